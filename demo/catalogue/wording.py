"""Turn what timm says about a set of weights into readable English."""

import re
from collections.abc import Sequence

from demo.catalogue.rules import Rules
from demo.catalogue.timm_source import Entry

SENTENCE_END = re.compile(r"(?<=[\w)])\.\s+(?=[A-Z`])")
NOISE = (  # what to change in the first line of an entrypoint's docstring
    (re.compile(r"^(?:Constructs?|Creates?|Instantiates?)(?: an?)?\s+"), ""),
    (re.compile(r",?\s*(?:from (?:the )?(?:original )?(?:paper )?)?\(?https?://[^\s)]+\)?"), ""),
    (re.compile(r"\s*/?via .*$|, trained .*$|\s+(?:model )?from(?: the| `.*)?$"), ""),
    (re.compile(r"\s*(?:@|\bat)\s*\d+\s?x\s?\d+|\s\d+x\d+(?= model)|(?<=\d|n) 224x224$"), ""),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/\s*"), "with "),
    (re.compile(r", Params: (\d+M)"), r" with \1 parameters"),
    (re.compile(r"\bparams\b"), "parameters"),
    (re.compile(r", \d+\.\d top-1.*"), ""),
    (re.compile(r" @ "), " at "),
    (re.compile(r"\battn\b"), "attention"),
    (re.compile(r"\bact$"), "activation"),
    (re.compile(r"\bpos embed\b"), "position embedding"),
    (re.compile(r"\beca$"), "ECA"),
    (re.compile(r"\bDensenet\b"), "DenseNet"),
    (re.compile(r"\s+(?:model )?(?:variant|architecture)$"), ""),
    (re.compile(r"\s+"), " "),
)
SIZE_WORD = re.compile(
    "zepto|atto|femto|pico|nano|(?:xx?)?(?:tiny|small|large)|medium|base|huge|giant|gigantic|enormous"
)
SIZES = (  # arguments of model classes, and how to name one or several values
    (("depth", "depths", "layers", "num_blocks"), "{} blocks", "stages of {} blocks"),
    (("embed_dim", "embed_dims", "dims"), "embedding width {}", "stage widths {}"),
    (("num_heads",), "{} attention heads", "{} attention heads"),
    (("patch_size",), "patch size {}", "patch sizes {}"),
    (("window_size",), "window size {}", "window sizes {}"),
)


def describe(entry: Entry, rules: Rules) -> str:
    """Write the description of a set of weights.

    Args:
        entry: The weights.
        rules: The tables to word it with.

    Returns:
        Up to four short paragraphs.
    """
    paper = rules.architecture_paper(entry)
    about = [headline(entry, rules), rules.family(entry).get("about", "")]
    about += [f"The architecture is described in {paper}." if paper else "", structure(entry)]
    trained, published = training(entry, rules), provenance(entry, rules)
    weights = f"{trained} They {published}." if trained else f"The weights {published}."
    usage = f'In timm it is loaded with timm.create_model("{entry.name}", pretrained=True).'
    paragraphs = (about, [weights], [interface(entry), usage], remarks(entry))
    return "\n\n".join(" ".join(filter(None, p)) for p in paragraphs if any(p))


def headline(entry: Entry, rules: Rules) -> str:
    """Say what a model is.

    Args:
        entry: The weights.
        rules: The tables to word it with.

    Returns:
        A sentence from its own docstring, or else its family and variant.
    """
    line = _summary(entry.entry_doc) if rules.trusts_docstring(entry) else ""
    if not line:
        variant = entry.architecture.removeprefix("tiny_vit_")
        words = variant.replace("x_small", "xsmall").split("_")
        size = next((word for word in words if SIZE_WORD.fullmatch(word)), "")
        line = f"{rules.family(entry)['name']}, "
        line += f"{size} size ({entry.architecture})" if size else f"variant {entry.architecture}"
    elif len(line.split()) <= 3 and not re.search(r"model| for |backbone", line):
        line += " model"
    if re.search(r"[:—]|classifier", line):
        return f"{line}."
    comma = "," if re.search(r",[^)]*$| for ", line) else ""
    return f"{line}{comma} for {_purpose(entry)}."


def structure(entry: Entry) -> str:
    """List the sizes of an architecture.

    Args:
        entry: The weights.

    Returns:
        A sentence, or "" when its entrypoint names no sizes.
    """
    parts = []
    for keys, one, many in SIZES:
        values = next((entry.structure[key] for key in keys if key in entry.structure), ())
        if values:
            parts.append((one if len(values) == 1 else many).format("/".join(map(str, values))))
    return f"It has {_listed(parts)}." if parts else ""


def training(entry: Entry, rules: Rules) -> str:
    """Say what is known about how a set of weights was trained.

    Args:
        entry: The weights.
        rules: The tables to word it with.

    Returns:
        A sentence from the tag and the weights' paper, or "".
    """
    tokens = entry.tag.split("_")
    cut = tokens.index("ft") if "ft" in tokens else len(tokens)
    tuned = cut < len(tokens)
    stages = [_stage("pretrained" if tuned else "trained", tokens[:cut], " and ", rules)]
    if tuned:
        stages.append(_stage("fine-tuned", tokens[cut:], " and then ", rules) or "fine-tuned")
    told = ", then ".join(filter(None, stages))
    paper, known = rules.weights_paper(entry), rules.architecture_paper(entry)
    if paper is None or (known and paper.number == known.number):
        return f"The weights were {told}." if told else ""
    return f"The weights were {told}; see {paper}." if told else f"For the weights see {paper}."


def provenance(entry: Entry, rules: Rules) -> str:
    """Say where a set of weights comes from and under which licence.

    Args:
        entry: The weights.
        rules: The tables to word it with.

    Returns:
        The rest of a sentence about the weights.
    """
    origin = " and ".join(rules.words("origin", entry.tag.split("_")))
    licence = rules.licence(entry).get("name", "")
    facts = [f"come from {origin}"] if origin else []
    facts += [f"are published on the Hugging Face hub as {entry.hub_id}"] if entry.hub_id else []
    facts += [f"are under the {licence} licence"] if licence else []
    return _listed(facts or ["are part of timm"])


def interface(entry: Entry) -> str:
    """Say what a model takes and gives.

    Args:
        entry: The weights.

    Returns:
        A sentence.
    """
    takes = _pixels(entry.ints("input_size"))
    tested = _pixels(entry.ints("test_input_size"))
    larger = f" ({tested} for evaluation)" if tested not in ("", takes) else ""
    count = f"{_outputs(entry):,}"
    gives = {
        "feature extraction": "has no classification head, so it gives image features",
        "classification": f"sorts them into {count} classes",
    }.get(_purpose(entry).removeprefix("image "), f"gives a vector of {count} values")
    return f"It takes RGB images of {takes} pixels{larger} and {gives}."


def remarks(entry: Entry) -> list[str]:
    """List the remarks that a config makes about its weights.

    Args:
        entry: The weights.

    Returns:
        The remarks as sentences.
    """
    notes = entry.config.get("notes")
    texts = [str(note) for note in notes] if isinstance(notes, tuple) else []
    return [f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in texts]


def _summary(docstring: str) -> str:
    line = next(iter(docstring.strip().splitlines()), "").strip()
    line = SENTENCE_END.split(line)[0].rstrip(" .`")
    for pattern, replacement in NOISE:
        line = pattern.sub(replacement, line)
    return line.strip(" .,-`")


def _stage(verb: str, tokens: list[str], conjunction: str, rules: Rules) -> str:
    data, method = rules.words("data", tokens), rules.words("method", tokens)
    epochs = [t.strip("ep") for t in tokens if re.fullmatch(r"e\d+|\d+ep?", t)]
    if not data and not method:
        return ""
    text = verb + (f" on {conjunction.join(data)}" if data else "")
    text += f" with {' and '.join(method)}" if method else ""
    return text + (f" for {int(epochs[0]):,} epochs" if epochs else "")


def _purpose(entry: Entry) -> str:
    count = _outputs(entry)
    if count == 0:
        return "image feature extraction"
    classes = count > 10_000 or (count == 1000 and "in1k" in entry.tag)
    return "image classification" if classes else "image embeddings"


def _outputs(entry: Entry) -> int:
    return next(iter(entry.ints("num_classes")), 0)


def _pixels(size: tuple[int, ...]) -> str:
    return f"{size[-2]} x {size[-1]}" if len(size) == 3 else ""


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
