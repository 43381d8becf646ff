"""Look up papers, families, licences and words in the tables of `rules.toml`."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.catalogue.timm_source import Entry

ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", re.IGNORECASE)
TITLED = re.compile(r"`([^`]+)`\s*-\s*https?://arxiv\.org/abs/(\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Paper:
    """A paper on arXiv.

    Attributes:
        number: arXiv number without a version.
        title: Title as timm gives it, or "".
    """

    number: str
    title: str

    @property
    def url(self) -> str:
        """The paper's abstract page."""
        return f"https://arxiv.org/abs/{self.number}"

    def __str__(self) -> str:
        """Return the paper as it is cited in a description."""
        return f"“{self.title}” (arXiv:{self.number})" if self.title else f"arXiv:{self.number}"


class Rules:
    """The tables of `rules.toml`, together with the papers that timm cites."""

    def __init__(self, path: Path, texts: Iterable[str]) -> None:
        """Load the tables.

        Args:
            path: The file `rules.toml`.
            texts: Everything in which timm may cite a paper.

        Raises:
            ValueError: If the tables name a paper that timm does not cite.
        """
        self._tables = tomllib.loads(path.read_text(encoding="utf-8"))
        self._titles: dict[str, str] = {}
        cited: set[str] = set()
        for text in texts:
            cited.update(ARXIV.findall(text))
            for title, number in TITLED.findall(text):
                self._titles.setdefault(number, " ".join(title.split()))
        named = {family.get("paper") for family in self._tables["families"].values()}
        unknown = (named | set(self._tables["weights_papers"].values())) - cited - {None}
        if unknown:
            raise ValueError(f"papers that timm does not cite: {sorted(unknown)}")

    def family(self, entry: Entry) -> Mapping[str, str]:
        """Find the family that an architecture belongs to.

        Args:
            entry: The weights to look up.

        Returns:
            The family's row; it has at least a name.
        """
        for pattern, family in self._tables["families"].items():
            if re.match(pattern, entry.architecture):
                return dict(family)
        return {"name": f"timm {entry.module}"}

    def architecture_paper(self, entry: Entry) -> Paper | None:
        """Find the paper about an architecture.

        Args:
            entry: The weights to look up.

        Returns:
            The one paper its docstring links to, else its family's paper.
        """
        linked = set(ARXIV.findall(entry.entry_doc))
        number = linked.pop() if len(linked) == 1 else self.family(entry).get("paper", "")
        return Paper(number, self._titles.get(number, "")) if number else None

    def weights_paper(self, entry: Entry) -> Paper | None:
        """Find the paper about a set of weights.

        Args:
            entry: The weights to look up.

        Returns:
            The paper its config names, else that of the first matching rule.
        """
        number = re.sub(r"^arXiv:|v\d+$", "", entry.text("paper_ids"))
        for pattern, candidate in self._tables["weights_papers"].items():
            if not number and re.search(pattern, entry.name):
                number = candidate
        title = entry.text("paper_name") or self._titles.get(number, "")
        return Paper(number, title) if number else None

    def licence(self, entry: Entry) -> Mapping[str, str]:
        """Find the licence of a set of weights.

        Args:
            entry: The weights to look up.

        Returns:
            The licence's name and perhaps its page; empty when none is known.
        """
        overrides = self._tables["licence_overrides"]
        identifier = overrides.get(entry.module) or entry.text("license")
        return dict(self._tables["licences"].get(identifier, {}))

    def words(self, table: str, tokens: Iterable[str]) -> list[str]:
        """Translate tokens of a tag.

        Args:
            table: Name of the table of words.
            tokens: The tokens, of which any may be unknown.

        Returns:
            The words for the known tokens, in order and each once.
        """
        known = self._tables[table]
        return list(dict.fromkeys(known[token] for token in tokens if token in known))

    def trusts_docstring(self, entry: Entry) -> bool:
        """Tell whether an entrypoint's docstring is about that architecture.

        Args:
            entry: The weights to look up.

        Returns:
            False for docstrings copied from elsewhere or saying too little.
        """
        return not re.match(self._tables["docstrings"]["wrong"], entry.architecture)
