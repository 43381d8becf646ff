"""The tables, the same on every database.

Times are text in RFC 3339 with six digits of fraction, so that they sort as they read; JSON is text; ids are
UUIDs in their usual spelling. Names that are unique without regard to case are so by an index over their
lower case. A version, model or image may go while predictions of it stay: those name them without a
foreign key.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    func,
    text,
)

from wriftai_server.database.types import Integer, RowId, Text, TransactionId

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
    # Signs what is posted to the user's webhooks, so it cannot be a hash.
    Column("webhook_secret", Text),
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
# The beginnings of names, in their order: everyone's public models, and an owner's private ones. Those with the
# same name are in the order of predictions.
Index(
    "ix_models_public_name",
    func.lower(models.c.name),
    models.c.predictions_count,
    models.c.id,
    sqlite_where=text("visibility = 'public'"),
    postgresql_where=text("visibility = 'public'"),
)
Index(
    "ix_models_private_name",
    models.c.owner_id,
    func.lower(models.c.name),
    models.c.predictions_count,
    models.c.id,
    sqlite_where=text("visibility = 'private'"),
    postgresql_where=text("visibility = 'private'"),
)
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

# Predictions that are not yet in the counts of their models: a row more makes nobody wait, a change of one does.
prediction_tallies = Table(
    "prediction_tallies",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("model_id", Text, nullable=False, index=True),
)

# What changed in what search finds, in the order of commits; see database/feed.py.
feed = Table(
    "feed",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("transaction_id", TransactionId, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    CheckConstraint("subject IN ('beginning', 'model', 'user')", "subject"),
    sqlite_autoincrement=True,
)
Index("ix_feed_order", feed.c.transaction_id, feed.c.id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", Text, nullable=False, index=True),
)

# Content-addressed: a blob is stored once, and each model names the blobs that it holds.
blobs = Table(
    "blobs",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    # Since when no model holds it; it is removed a while later.
    Column("unreferenced_at", Text, index=True),
)

model_blobs = Table(
    "model_blobs",
    metadata,
    Column("model_id", Text, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, ForeignKey("blobs.digest"), primary_key=True, index=True),
    Column("created_at", Text, nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("model_id", Text, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, ForeignKey("blobs.digest"), primary_key=True, index=True),
    Column("media_type", Text, nullable=False),
    # The manifest that this one is about, such as an image that it signs; it need not be there.
    Column("subject", Text),
    Column("created_at", Text, nullable=False),
)
Index("ix_manifests_subject", manifests.c.model_id, manifests.c.subject, manifests.c.digest)

manifest_blobs = Table(
    "manifest_blobs",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("manifest", Text, primary_key=True),
    Column("digest", Text, primary_key=True, index=True),
    ForeignKeyConstraint(
        ["model_id", "manifest"], ["manifests.model_id", "manifests.digest"], ondelete="CASCADE"
    ),
)

tags = Table(
    "tags",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    ForeignKeyConstraint(["model_id", "digest"], ["manifests.model_id", "manifests.digest"], ondelete="CASCADE"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("model_id", Text, ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Text, nullable=False, index=True),
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("model_id", Text, nullable=False),
    Column("version_id", Text, nullable=False),
    Column("hardware_id", Text, ForeignKey("hardware.id"), nullable=False),
    Column("status", Text, nullable=False),
    # Input and output are JSON, and null again once they have been kept for long enough.
    Column("input", Text),
    Column("output", Text),
    Column("error", Text),
    Column("webhook_url", Text),
    # Where its creator reached the hub: what is posted to the webhook names the prediction by it.
    Column("hub_url", Text),
    Column("setup_time", Text),
    Column("execution_time", Text),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("cancel_requested_at", Text),
    # Who runs it, until when that is believed, and which attempt counts: what an earlier one says is refused.
    Column("worker", Text),
    Column("lease_until", Text),
    Column("attempt", Integer, nullable=False, server_default="0"),
    # How many attempts ended without a word of their worker.
    Column("lost", Integer, nullable=False, server_default="0"),
    CheckConstraint("status IN ('pending', 'started', 'failed', 'succeeded', 'cancelled')", "status"),
)
Index(
    "ix_predictions_user_status",
    predictions.c.user_id,
    predictions.c.status,
    predictions.c.created_at,
    predictions.c.id,
)
for _name, _columns, _condition in (
    ("queue", ("hardware_id", "version_id", "created_at", "id"), "status = 'pending'"),
    ("leases", ("lease_until",), "status = 'started'"),
    ("kept", ("finished_at",), "finished_at IS NOT NULL AND input IS NOT NULL"),
):
    Index(
        f"ix_predictions_{_name}",
        *(predictions.c[column] for column in _columns),
        sqlite_where=text(_condition),
        postgresql_where=text(_condition),
    )

# What a run says on its way: log lines and pieces of output, in order, by attempt.
prediction_events = Table(
    "prediction_events",
    metadata,
    Column("prediction_id", Text, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    CheckConstraint("kind IN ('setup_log', 'log', 'output')", "kind"),
)

# An outbox: a row is written with the change that it tells of, and goes when it was delivered or given up.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("prediction_id", Text, ForeignKey("predictions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Text, nullable=False),
    # Receivers tell deliveries apart by their ids, so that of one that is gone is not given again.
    sqlite_autoincrement=True,
)
Index("ix_webhook_deliveries_due", webhook_deliveries.c.user_id, webhook_deliveries.c.next_at)
