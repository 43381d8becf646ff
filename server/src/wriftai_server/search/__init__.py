"""Search: finding models and users by name, by words of names and texts, and in spite of typos.

A search: `routes` calls `service`, which cuts a page from `results`, a walk through the `stages` of an answer.
SQL (`store`) finds exact names; all else is found in an inverted index. For that a `query` is parsed by the rules
of text `analysis`; `matching` says how a document may have one of its words; `tiers` grade documents by that, as
`clauses` of the library's queries; `hits` are found tier after tier, those of a `first_page` at less cost, in a
snapshot of the `index`.

Indexing: the `indexer` of one process writes what changed in the database, in `batches` of `documents`; where
that is much, `rebuild_process` starts another one, whose program is `rebuilding`. `current` says which folder has
the index, `checksums` whether its files are intact, and `errors` name what the library raises where they are not.
"""
