"""Predictions on the wire: what a classifier says, as answers have it.

Plain conversions. Knows nothing of HTTP requests or of where a prediction comes from.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.schemas import PredictedValueModel, PredictionModel
from search.errors import NotFoundError
from search.tagging import Prediction


def refuse_classifying() -> NotFoundError:
    """The error where nothing can be classified."""
    return NotFoundError(
        "this catalogue has no classifier: train one with 'vitrine train heads FEED', then let it tag: 'vitrine tag'",
        code="no_classifier",
    )


def to_predictions(predictions: Mapping[str, Prediction]) -> dict[str, PredictionModel]:
    """Predictions by attribute, as an answer has them."""
    return {name: _to_prediction(prediction) for name, prediction in predictions.items()}


def _to_prediction(prediction: Prediction) -> PredictionModel:
    return PredictionModel(
        values=[PredictedValueModel(value=label, confidence=round(sure, 4)) for label, sure in prediction.values],
        accepted=list(prediction.accepted),
        abstained=not prediction.accepted,
    )
