"""Search: models and users by name, by words of names and texts, and in spite of typos.

Asked: `routes` calls `service`, which puts a page together from `stages`, walked through by `results`. SQL
(`store`) answers exact names; all else is looked up in an inverted index (`index`). There a `query` is parsed by
the rules of `analysis`, `matching` says how a document may have one of its words, `tiers` grades documents by
that, in `clauses` of the index's own query language, and `hits` collects the documents of one tier after the
other, `first_page` at less cost.

Kept up: `indexer` writes what changed in the database, in `batches` of `documents`, and has much of it done by
the process of `rebuilding`. `current` says which folder has the index that counts, `checksums` whether its files
are intact, and `errors` are what the library raises where they are not.
"""
