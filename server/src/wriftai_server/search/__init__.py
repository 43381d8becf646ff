"""Search: finding models and users by what a person types.

A `question` is what was typed, taken apart into `words`. `service` puts a page together: `walk` goes through the
`stages` that SQL finds (`store`), and then through the index. There `index` opens a view, in which `hits` are
found, `firsts` for a first page, in `tiers`, each made of the `ways` in which a document may have a word, which
are `parts` of a query.

The index is `current`, and whole by its checksums (`wholeness`); what the library raises of one that is not is
`damage`. One process keeps it up: `following` writes what changed, `building` fills a new one, with `documents`
made of rows.
"""
