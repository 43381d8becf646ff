from alembic import context

from wriftai_server.database.schema import metadata

if context.is_offline_mode():
    # The statements are written down, and run by the driver itself; see database/migrate.py.
    context.configure(
        dialect_name="postgresql",
        output_buffer=context.config.output_buffer,
        literal_binds=True,
        transactional_ddl=False,
    )
    context.run_migrations()
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
