"""Users, tokens, hardware, models, versions."""

import sqlalchemy as sa
from alembic import op

from wriftai_server.database.types import Integer, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hardware",
        sa.Column("id", Text, nullable=False),
        sa.Column("identifier", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("gpus", Integer, nullable=False),
        sa.Column("cpus", Integer, nullable=False),
        sa.Column("ram_per_gpu_gb", Integer, nullable=False),
        sa.Column("ram_gb", Integer, nullable=False),
        sa.Column("is_offered", Integer, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hardware")),
        sa.UniqueConstraint("identifier", name=op.f("uq_hardware_identifier")),
    )
    op.create_table(
        "users",
        sa.Column("id", Text, nullable=False),
        sa.Column("username", Text, nullable=False),
        sa.Column("name", Text, nullable=True),
        sa.Column("bio", Text, nullable=True),
        sa.Column("urls", Text, nullable=True),
        sa.Column("location", Text, nullable=True),
        sa.Column("company", Text, nullable=True),
        sa.Column("is_admin", Integer, server_default="0", nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("updated_at", Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_username", "users", [sa.text("lower(username)")], unique=True)
    op.create_index("ix_users_created_at", "users", ["created_at", "id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", Text, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("fingerprint", Text, nullable=False),
        sa.Column("answer", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "models",
        sa.Column("id", Text, nullable=False),
        sa.Column("owner_id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("visibility", Text, nullable=False),
        sa.Column("description", Text, nullable=True),
        sa.Column("source_url", Text, nullable=True),
        sa.Column("license_url", Text, nullable=True),
        sa.Column("paper_url", Text, nullable=True),
        sa.Column("hardware_id", Text, nullable=False),
        sa.Column("latest_version", Integer, nullable=True),
        sa.Column("versions_created", Integer, server_default="0", nullable=False),
        sa.Column("predictions_count", Integer, server_default="0", nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("updated_at", Text, nullable=True),
        sa.ForeignKeyConstraint(["hardware_id"], ["hardware.id"], name=op.f("fk_models_hardware_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_models_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.CheckConstraint("visibility IN ('private', 'public')", name=op.f("ck_models_visibility")),
    )
    op.create_index("uq_models_name", "models", ["owner_id", sa.text("lower(name)")], unique=True)
    op.create_index("ix_models_name", "models", [sa.text("lower(name)")], unique=False)
    op.create_index("ix_models_all_created_at", "models", ["visibility", "created_at", "id"], unique=False)
    op.create_index(
        "ix_models_all_predictions_count", "models", ["visibility", "predictions_count", "id"], unique=False
    )
    op.create_index(
        "ix_models_own_created_at", "models", ["owner_id", "visibility", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_models_own_predictions_count",
        "models",
        ["owner_id", "visibility", "predictions_count", "id"],
        unique=False,
    )
    op.create_table(
        "tokens",
        sa.Column("id", Text, nullable=False),
        sa.Column("user_id", Text, nullable=False),
        sa.Column("label", Text, nullable=False),
        sa.Column("secret_hash", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"], unique=False)
    op.create_table(
        "versions",
        sa.Column("id", Text, nullable=False),
        sa.Column("model_id", Text, nullable=False),
        sa.Column("number", Integer, nullable=False),
        sa.Column("release_notes", Text, nullable=False),
        sa.Column("schemas", Text, nullable=False),
        sa.Column("container_image_digest", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_versions_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("model_id", "number", name=op.f("uq_versions_model_id_number")),
    )


def downgrade() -> None:
    for table in ("versions", "tokens", "models", "idempotency_keys", "users", "hardware"):
        op.drop_table(table)
