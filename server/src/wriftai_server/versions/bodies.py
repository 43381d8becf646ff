"""Versions as callers send them."""

from typing import Any

from wriftai_server.http.bodies import Body, Digest, Text


class SchemaPair(Body):
    """What goes into a prediction and what comes out: JSON Schemas, draft 2020-12."""

    input: dict[str, Any]
    output: dict[str, Any]


class SchemaSet(Body):
    """The interfaces of a version."""

    prediction: SchemaPair


class CreateVersion(Body):
    """What a new version is made of."""

    release_notes: Text
    schemas: SchemaSet
    container_image_digest: Digest
