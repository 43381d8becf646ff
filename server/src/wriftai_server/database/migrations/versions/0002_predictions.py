"""Images, predictions and what they say on their way, webhooks."""

import sqlalchemy as sa
from alembic import op

from wriftai_server.database.types import Integer, RowId, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    "tags",
    "manifest_blobs",
    "webhook_deliveries",
    "uploads",
    "prediction_events",
    "model_blobs",
    "manifests",
    "predictions",
    "blobs",
)


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", Text, nullable=False),
        sa.Column("size", Integer, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("unreferenced_at", Text, nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blobs")),
    )
    op.create_index(op.f("ix_blobs_unreferenced_at"), "blobs", ["unreferenced_at"], unique=False)
    op.create_table(
        "predictions",
        sa.Column("id", Text, nullable=False),
        sa.Column("user_id", Text, nullable=False),
        sa.Column("model_id", Text, nullable=False),
        sa.Column("version_id", Text, nullable=False),
        sa.Column("hardware_id", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("input", Text, nullable=True),
        sa.Column("output", Text, nullable=True),
        sa.Column("error", Text, nullable=True),
        sa.Column("webhook_url", Text, nullable=True),
        sa.Column("hub_url", Text, nullable=True),
        sa.Column("setup_time", Text, nullable=True),
        sa.Column("execution_time", Text, nullable=True),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("updated_at", Text, nullable=False),
        sa.Column("finished_at", Text, nullable=True),
        sa.Column("cancel_requested_at", Text, nullable=True),
        sa.Column("worker", Text, nullable=True),
        sa.Column("lease_until", Text, nullable=True),
        sa.Column("attempt", Integer, server_default="0", nullable=False),
        sa.Column("lost", Integer, server_default="0", nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'started', 'failed', 'succeeded', 'cancelled')",
            name=op.f("ck_predictions_status"),
        ),
        sa.ForeignKeyConstraint(["hardware_id"], ["hardware.id"], name=op.f("fk_predictions_hardware_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_predictions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
    )
    op.create_index(
        "ix_predictions_kept",
        "predictions",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text("input IS NOT NULL"),
        postgresql_where=sa.text("input IS NOT NULL"),
    )
    op.create_index(
        "ix_predictions_leases",
        "predictions",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'started'"),
        postgresql_where=sa.text("status = 'started'"),
    )
    op.create_index(
        "ix_predictions_queue",
        "predictions",
        ["hardware_id", "version_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_predictions_user", "predictions", ["user_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_predictions_user_status", "predictions", ["user_id", "status", "created_at", "id"], unique=False
    )
    op.create_table(
        "manifests",
        sa.Column("model_id", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("media_type", Text, nullable=False),
        sa.Column("subject", Text, nullable=True),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blobs.digest"], name=op.f("fk_manifests_digest")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_manifests_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "digest", name=op.f("pk_manifests")),
    )
    op.create_index(op.f("ix_manifests_digest"), "manifests", ["digest"], unique=False)
    op.create_index("ix_manifests_subject", "manifests", ["model_id", "subject", "digest"], unique=False)
    op.create_table(
        "model_blobs",
        sa.Column("model_id", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blobs.digest"], name=op.f("fk_model_blobs_digest")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_blobs_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "digest", name=op.f("pk_model_blobs")),
    )
    op.create_index(op.f("ix_model_blobs_digest"), "model_blobs", ["digest"], unique=False)
    op.create_table(
        "prediction_events",
        sa.Column("prediction_id", Text, nullable=False),
        sa.Column("attempt", Integer, nullable=False),
        sa.Column("seq", Integer, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("data", Text, nullable=False),
        sa.CheckConstraint("kind IN ('setup_log', 'log', 'output')", name=op.f("ck_prediction_events_kind")),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["predictions.id"],
            name=op.f("fk_prediction_events_prediction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prediction_id", "attempt", "seq", name=op.f("pk_prediction_events")),
    )
    op.create_table(
        "uploads",
        sa.Column("id", Text, nullable=False),
        sa.Column("model_id", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_uploads_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_created_at"), "uploads", ["created_at"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", RowId, nullable=False),
        sa.Column("prediction_id", Text, nullable=False),
        sa.Column("user_id", Text, nullable=False),
        sa.Column("body", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("attempts", Integer, server_default="0", nullable=False),
        sa.Column("next_at", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["predictions.id"],
            name=op.f("fk_webhook_deliveries_prediction_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_webhook_deliveries_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_deliveries_due", "webhook_deliveries", ["user_id", "next_at"], unique=False)
    op.create_index(
        op.f("ix_webhook_deliveries_prediction_id"), "webhook_deliveries", ["prediction_id"], unique=False
    )
    op.create_table(
        "manifest_blobs",
        sa.Column("model_id", Text, nullable=False),
        sa.Column("manifest", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id", "manifest"],
            ["manifests.model_id", "manifests.digest"],
            name=op.f("fk_manifest_blobs_model_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "manifest", "digest", name=op.f("pk_manifest_blobs")),
    )
    op.create_index(op.f("ix_manifest_blobs_digest"), "manifest_blobs", ["digest"], unique=False)
    op.create_table(
        "tags",
        sa.Column("model_id", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id", "digest"],
            ["manifests.model_id", "manifests.digest"],
            name=op.f("fk_tags_model_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "name", name=op.f("pk_tags")),
    )
    op.add_column("users", sa.Column("webhook_secret", Text, nullable=True))


def downgrade() -> None:
    op.drop_column("users", "webhook_secret")
    for table in _TABLES:
        op.drop_table(table)
