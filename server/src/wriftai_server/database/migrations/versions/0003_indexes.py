"""What is kept of predictions is noted when they end, not before; all of a user's are those of each status."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _replace("finished_at IS NOT NULL AND input IS NOT NULL")
    op.drop_index("ix_predictions_user", "predictions")


def downgrade() -> None:
    op.create_index("ix_predictions_user", "predictions", ["user_id", "created_at", "id"], unique=False)
    _replace("input IS NOT NULL")


def _replace(condition: str) -> None:
    op.drop_index("ix_predictions_kept", "predictions")
    op.create_index(
        "ix_predictions_kept",
        "predictions",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
