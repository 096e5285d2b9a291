"""The catalogue: tracks with their features and moods, and the answers given.

One set of tables for SQLite (embedded) and MySQL or MariaDB (distributed). `tunekin.catalogue.database` opens and
migrates it, `tunekin.catalogue.reader` and `tunekin.catalogue.writer` are its two faces, and
`tunekin.catalogue.records` has the plain values that they take and give. Nothing of the database library leaves this
package but the engine. Needs the extra ``catalogue``.
"""
