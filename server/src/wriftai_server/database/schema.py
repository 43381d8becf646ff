"""The tables, the same on every database.

Times are text in RFC 3339 with six digits of fraction, so that they sort as they read; JSON is text; ids are
UUIDs in their usual spelling. Names that are unique without regard to case are so by an index over their
lower case.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("name", Text),
    Column("bio", Text),
    Column("urls", Text),
    Column("location", Text),
    Column("company", Text),
    Column("is_admin", Integer, nullable=False, server_default="0"),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text),
)
Index("uq_users_username", func.lower(users.c.username), unique=True)
Index("ix_users_created_at", users.c.created_at, users.c.id)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)

hardware = Table(
    "hardware",
    metadata,
    Column("id", Text, primary_key=True),
    Column("identifier", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("ram_per_gpu_gb", Integer, nullable=False),
    Column("ram_gb", Integer, nullable=False),
    # What left the catalogue stays for the models that use it, and is not offered to others.
    Column("is_offered", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("description", Text),
    Column("source_url", Text),
    Column("license_url", Text),
    Column("paper_url", Text),
    Column("hardware_id", Text, ForeignKey("hardware.id"), nullable=False),
    Column("latest_version", Integer),
    Column("versions_created", Integer, nullable=False, server_default="0"),
    Column("predictions_count", Integer, nullable=False, server_default="0"),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text),
    CheckConstraint("visibility IN ('private', 'public')", "visibility"),
)
Index("uq_models_name", models.c.owner_id, func.lower(models.c.name), unique=True)
Index("ix_models_name", func.lower(models.c.name))
# One index for each order of each set of models that a list is put together from (see models/store.py).
for _key in ("created_at", "predictions_count"):
    Index(f"ix_models_all_{_key}", models.c.visibility, models.c[_key], models.c.id)
    Index(f"ix_models_own_{_key}", models.c.owner_id, models.c.visibility, models.c[_key], models.c.id)

versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("model_id", Text, ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("release_notes", Text, nullable=False),
    Column("schemas", Text, nullable=False),
    Column("container_image_digest", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("model_id", "number"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", Text, nullable=False, index=True),
)
