"""Models as callers send them."""

from wriftai.models import ModelVisibility
from wriftai_server.http.bodies import UNSET, URL, Body, LongText, ModelName, Text, UnsetType, Username


class CreateModel(Body):
    """What a new model starts with."""

    name: ModelName
    hardware_identifier: Text
    visibility: ModelVisibility | UnsetType = UNSET
    description: LongText | UnsetType | None = UNSET
    source_url: URL | UnsetType | None = UNSET
    license_url: URL | UnsetType | None = UNSET
    paper_url: URL | UnsetType | None = UNSET


class OwnedModel(CreateModel, kw_only=True):
    """What a model of an import starts with, where each says whose it is."""

    owner: Username


class UpdateModel(Body):
    """What to change of a model: keys left out stay, null clears those that may be null."""

    name: ModelName | UnsetType = UNSET
    hardware_identifier: Text | UnsetType = UNSET
    visibility: ModelVisibility | UnsetType = UNSET
    description: LongText | UnsetType | None = UNSET
    source_url: URL | UnsetType | None = UNSET
    license_url: URL | UnsetType | None = UNSET
    paper_url: URL | UnsetType | None = UNSET
