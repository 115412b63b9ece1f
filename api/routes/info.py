"""`GET /v1/info`: what this server holds, so that a client need not guess."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from api.backend import CurrentBackend
from api.problems import document_problems
from api.questions import MAX_PHOTOS
from api.schemas import ClassifierModel, EncoderModel, InfoAnswer, LimitsModel, PredictedAttributeModel
from api.wire import answer_json
from search.catalogue import Catalogue
from search.encoders.clip_name import is_clip
from search.facets import list_facets
from search.filters import MAX_CONDITIONS, Source
from search.manifest import ClassifierRecord, Manifest
from search.query import MAX_FACET_VALUES, MAX_FACETS, MAX_LIMIT

router = APIRouter(tags=["operation"])

MAX_CHIPS = 12
MAX_CHIP_VALUES = 60
_FIRST = ("product_type", "color", "gender", "pattern", "material", "brand", "size", "age_group", "availability")


@router.get(
    "/v1/info",
    operation_id="readInfo",
    summary="What this server holds",
    response_model=InfoAnswer,
    responses=document_problems(),
)
async def read_info(backend: CurrentBackend) -> Response:
    """Spaces, attributes and limits."""
    manifest = backend.catalogue.manifest
    items = await backend.ask_store(backend.catalogue.store.count_items)
    return answer_json(
        InfoAnswer(
            version=backend.version,
            items=items,
            encoders=[
                EncoderModel(name=space.name, dimension=space.dimension, weights_sha256=space.weights_sha256)
                for space in manifest.list_encoder_spaces()
            ],
            classifier=describe_classifier(manifest.classifier),
            text_encoder=name_text_encoder(manifest),
            calibrated=await backend.ask_store(list_calibrated, backend.catalogue),
            engines=backend.door.list_names(),
            weights=dict(manifest.weights),
            attributes={name: kind.value for name, kind in manifest.attributes.items()},
            facets=await backend.ask_store(choose_facets, backend.catalogue),
            limits=LimitsModel(
                body_bytes=backend.max_body_bytes,
                limit=MAX_LIMIT,
                facets=MAX_FACETS,
                facet_values=MAX_FACET_VALUES,
                photos_per_item=MAX_PHOTOS,
                filter_attributes=MAX_CONDITIONS,
            ),
            auth=backend.auth,
        )
    )


def describe_classifier(record: ClassifierRecord | None) -> ClassifierModel | None:
    """The live classifier, and what it predicts."""
    if record is None:
        return None
    attributes = {
        name: PredictedAttributeModel(labels=len(each.labels), multi_valued=each.multi_valued)
        for name, each in record.attributes.items()
    }
    return ClassifierModel(version=record.version, attributes=attributes)


def name_text_encoder(manifest: Manifest) -> str | None:
    """What texts are embedded with, without opening it; None where nothing does that."""
    if manifest.text is not None:
        return manifest.text.version
    return next((space.name for space in manifest.spaces if is_clip(space.name)), None)


def list_calibrated(catalogue: Catalogue) -> list[Literal["photo", "text"]]:
    """Kinds of questions whose scores mean a probability."""
    calibration = catalogue.find_calibration()
    if calibration is None:
        return []
    return ["photo", "text"] if calibration.knows_text else ["photo"]


def choose_facets(catalogue: Catalogue) -> list[str]:
    """Attributes worth showing as chips: at least two values and few enough to choose from, the usual ones first."""
    names = sorted(list_facets(catalogue.manifest), key=lambda n: (_FIRST.index(n) if n in _FIRST else len(_FIRST), n))
    predicted = catalogue.manifest.list_predicted()
    chosen: list[str] = []
    for name in names:
        if len(chosen) == MAX_CHIPS:
            break
        source = Source.EITHER if name in predicted else Source.MERCHANT
        values = catalogue.store.count_facet(name, (), limit=MAX_CHIP_VALUES + 1, source=source)
        if 2 <= len(values) <= MAX_CHIP_VALUES:
            chosen.append(name)
    return chosen
