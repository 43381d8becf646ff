"""What search and counters keep: the feed of changes, beginnings of names, tallies."""

import uuid

import sqlalchemy as sa
from alembic import op

from wriftai_server.database.types import RowId, Text, TransactionId

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    feed = op.create_table(
        "feed",
        sa.Column("id", RowId, nullable=False),
        sa.Column("transaction_id", TransactionId, nullable=False),
        sa.Column("subject", Text, nullable=False),
        sa.Column("subject_id", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.CheckConstraint("subject IN ('beginning', 'model', 'user')", name=op.f("ck_feed_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_order", "feed", ["transaction_id", "id"], unique=False)
    # It is never empty, and its first row is that of no other database.
    beginning = {"transaction_id": 0, "subject": "beginning", "subject_id": str(uuid.uuid4()), "created_at": ""}
    op.bulk_insert(feed, [beginning])
    op.create_table(
        "prediction_tallies",
        sa.Column("id", RowId, nullable=False),
        sa.Column("model_id", Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_tallies")),
    )
    op.create_index(op.f("ix_prediction_tallies_model_id"), "prediction_tallies", ["model_id"], unique=False)
    op.drop_index("ix_models_name", "models")
    _index("public", [sa.text("lower(name)"), "predictions_count", "id"])
    _index("private", ["owner_id", sa.text("lower(name)"), "predictions_count", "id"])


def downgrade() -> None:
    op.drop_index("ix_models_private_name", "models")
    op.drop_index("ix_models_public_name", "models")
    op.create_index("ix_models_name", "models", [sa.text("lower(name)")], unique=False)
    op.drop_table("prediction_tallies")
    op.drop_table("feed")


def _index(visibility: str, columns: list[str | sa.TextClause]) -> None:
    condition = sa.text(f"visibility = '{visibility}'")
    op.create_index(
        f"ix_models_{visibility}_name",
        "models",
        columns,
        unique=False,
        sqlite_where=condition,
        postgresql_where=condition,
    )
