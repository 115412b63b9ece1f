"""Which named vectors a point has: one for each space, and the joint one, which holds all of them one after the other.

    {"efficientnet_lite0": 1280 numbers, "color": 249, "fusion": 1529}
    {"efficientnet_lite0": 1280, "color": 249, "classifier_1a2b3c4d": 256, "fusion_1a2b3c4d": 1785}

The second is what a trained space makes of the first. Both can be there at once, so another classifier's vectors are
written beside those that are searched. Beside them every point has a sparse one, `words`, of its item's text. Shared
by every adapter; knows nothing of either engine's classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.bm25 import WORDS
from search.embedding import Embeddings, Space
from search.errors import MismatchError, SetupError
from search.store import Leg, Point
from search.tagging import Tagging

FUSION = "fusion"
"""The joint vector, or how its name begins; no space can be called so."""


def name_version(space: Space) -> str:
    """Which of the spaces of one name it is: the first 8 digits of its weights' hash, a tagging's `model`."""
    return space.weights_sha256[:8]


def name_vector(space: Space) -> str:
    """Name of a space's vector."""
    return f"{space.name}_{name_version(space)}" if space.trained else space.name


def check_model(taggings: Mapping[tuple[str, int], Tagging], space: Space) -> None:
    """See that every tagging is of the classifier whose space it is.

    Raises:
        MismatchError: one is not.
    """
    strange = {tagging.model for tagging in taggings.values()} - {name_version(space)}
    if strange:
        raise MismatchError(
            f"taggings of the classifier {min(strange)!r} do not belong in the space {name_vector(space)!r}; "
            "tag the photos again with the one classifier"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The named vectors of some spaces; made by `make_layout`.

    Attributes:
        spaces: in the order of the joint vector's parts: the encoders' ones, then the trained ones.
        names: of the spaces' vectors, by space name.
        joint: name of the joint vector.
    """

    spaces: tuple[Space, ...]
    names: Mapping[str, str]
    joint: str

    def list_dimensions(self) -> dict[str, int]:
        """Numbers in each named vector."""
        sizes = {self.names[space.name]: space.dimension for space in self.spaces}
        return sizes | {self.joint: sum(sizes.values())}

    def list_additions(self) -> dict[str, int]:
        """Numbers in each named vector that can come to points that are there: all but the encoders' ones."""
        encoders = {space.name for space in self.spaces if not space.trained}
        return {name: size for name, size in self.list_dimensions().items() if name not in encoders}

    def with_trained(self, space: Space) -> Layout:
        """The layout with this trained space in place of a former one."""
        if not space.trained:
            raise MismatchError(f"{space.name!r} is an encoder's space; make a new catalogue for it and index again")
        return make_layout([*(known for known in self.spaces if not known.trained), space])

    def to_named_vectors(self, point: Point) -> dict[str, list[float]]:
        """A point's vectors by name, the joint one among them; none in a trained space that it has no tagging of."""
        lists = {}
        for space in self.spaces:
            if not space.trained:
                lists[space.name] = point.vectors[space.name].tolist()
            elif point.tagging is not None and point.tagging.model == name_version(space):
                lists[self.names[space.name]] = point.tagging.vector.tolist()
        return self.join({}, lists)

    def join(self, there: object, fresh: Mapping[str, list[float]]) -> dict[str, list[float]]:
        """Fresh vectors by name, and the joint vector of them and of those that are there; zeros for one that is not.

        The dot product of a joint vector with one that `choose_vector` made is the weighted sum of the cosines,
        whatever the weights: the query carries them, so one stored vector serves every way to weigh the spaces.

        Args:
            there: a point's vectors by name, as the engine gives them.
        """
        lists = {**there, **fresh} if isinstance(there, dict) else fresh
        numbers: list[float] = []
        for space in self.spaces:
            numbers += lists.get(self.names[space.name]) or [0.0] * space.dimension
        return {**fresh, self.joint: numbers}

    def choose_scale(self, legs: Sequence[Leg]) -> float:
        """What a diverse query's vector is multiplied with: a point's joint vector is as many unit vectors as there are
        spaces, so two like points score that many times what a point scores for a query whose weights sum to 1."""
        return 1.0 if len(legs) == 1 else float(len(self.spaces))

    def choose_vector(self, legs: Sequence[Leg], *, scale: float = 1.0) -> tuple[str, list[float]] | None:
        """Which named vector a query looks at, and what it looks for there; None where nothing has such a vector.

        One leg is asked of its own space, unweighted. Several are asked of the joint vector: each times its weight,
        zeros for a space without a leg.
        """
        if len(legs) == 1:
            name = self.names.get(legs[0].space)
            return None if name is None else (name, (scale * legs[0].vector).tolist())
        weighted = {leg.space: np.float32(scale * leg.weight) * leg.vector for leg in legs}
        joint = [weighted.get(space.name, np.zeros(space.dimension, np.float32)) for space in self.spaces]
        return self.joint, np.concatenate(joint).tolist()

    def list_names(self, spaces: Sequence[str]) -> list[str]:
        """Names of the vectors of some spaces, those that there are."""
        return [self.names[space] for space in spaces if space in self.names]

    def to_vectors(self, vectors: object) -> Embeddings:
        """Vectors as the engines give them (lists of floats by name) as float32 arrays by space."""
        if not isinstance(vectors, dict):
            return {}
        there = {space: vectors.get(name) for space, name in self.names.items()}
        return {space: np.asarray(each, dtype=np.float32) for space, each in there.items() if each is not None}


def make_layout(spaces: Sequence[Space]) -> Layout:
    """The named vectors of these spaces.

    Raises:
        SetupError: a space has the joint vector's name.
    """
    ordered = tuple(sorted(spaces, key=lambda space: space.trained))
    names = {space.name: name_vector(space) for space in ordered}
    for taken, use in ((FUSION, "holds all the others"), (WORDS, "holds an item's words")):
        if taken in names:
            raise SetupError(f"an encoder cannot be called {taken!r}: that vector {use}; rename it")
    versions = [name_version(space) for space in ordered if space.trained]
    return Layout(spaces=ordered, names=names, joint="_".join([FUSION, *versions]))


def collect_parts(
    legs: Sequence[Leg], points: Sequence[str], scores: Mapping[str, Mapping[str, float]]
) -> list[dict[str, float]]:
    """The parts of points in the order given, from their scores by space and point id; 0 where there is none."""
    return [{leg.space: scores.get(leg.space, {}).get(point, 0.0) for leg in legs} for point in points]
