"""Where the parts are put together: settings in, an open catalogue out.

The only module that knows every adapter. Commands and the server open what they need here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from search.attributes import AttributeSchema
from search.catalogue import Catalogue
from search.embedding import Space
from search.encoder import Encoder
from search.errors import IntegrityError, MismatchError, NotFoundError, SetupError
from search.manifest import ClassifierRecord, Manifest, TextRecord, load_manifest, save_manifest
from search.store import Store
from search.tagging import Tagger
from search.text_encoder import TextEncoder
from search.thumbnails import Thumbnails
from vitrine.settings import Settings

if TYPE_CHECKING:
    from classifier.spiking.engines import PixelEngines

COLOR = "color"

Say = Callable[[str], None]


def open_encoders(settings: Settings, names: Sequence[str], *, say: Say | None = None) -> list[Encoder]:
    """Encoders by name, ready to embed.

    Raises:
        SetupError: a name is unknown, weights cannot be had, a file is damaged.
    """
    from search.encoders.registry import open_encoder

    models = settings.models_folder()
    return [open_encoder(name, models=models, threads=settings.threads, progress=say) for name in names]


def choose_encoders(settings: Settings, *, say: Say) -> list[str]:
    """Names of the encoders of a new catalogue: the backbone asked for, or the best that can be had, colour, and CLIP
    where it is asked for."""
    from search.encoders.registry import choose_backbone, find_card

    backbone = settings.encoder
    if backbone == "auto":
        backbone, reason = choose_backbone(models=settings.models_folder(), progress=say)
        say(reason)
    if find_card(backbone).name == COLOR:
        raise SetupError(f"{COLOR!r} is always there beside a backbone; choose another encoder, or auto")
    clip = [name_clip(settings.clip)] if settings.clip else []
    return list(dict.fromkeys([backbone, COLOR, *clip]))


def name_clip(asked: str) -> str:
    """The encoder's name of what `--clip` was given: `MODEL/TAG`, or with `clip:` in front already."""
    return f"clip:{asked.strip().removeprefix('clip:')}"


def ensure_manifest(settings: Settings, schema: AttributeSchema, *, say: Say) -> Manifest:
    """The manifest of the data directory; of a new, empty catalogue where there was none."""
    try:
        return load_manifest(settings.data)
    except NotFoundError:
        encoders = open_encoders(settings, choose_encoders(settings, say=say), say=say)
        manifest = make_manifest(encoders, schema)
        save_manifest(manifest, settings.data)
        return manifest


def make_manifest(encoders: Sequence[Encoder], schema: AttributeSchema) -> Manifest:
    """The manifest of a new catalogue; the first encoder is the backbone. The weight of colour was chosen on validation
    data; a CLIP beside the backbone takes of its weight, see `search.encoders.open_clip.DEFAULT_CLIP_SHARE`."""
    from search.encoders.color import DEFAULT_COLOR_WEIGHT
    from search.encoders.open_clip import DEFAULT_CLIP_SHARE

    spaces = tuple(encoder.space for encoder in encoders)
    backbone = 1 - DEFAULT_COLOR_WEIGHT
    weights = {s.name: DEFAULT_COLOR_WEIGHT if s.name == COLOR else backbone for s in spaces}
    for beside in spaces[1:]:
        if beside.name != COLOR:
            weights[beside.name] = DEFAULT_CLIP_SHARE * backbone
            weights[spaces[0].name] = (1 - DEFAULT_CLIP_SHARE) * backbone
    return Manifest(spaces=spaces, weights=weights, attributes=dict(schema))


@contextmanager
def open_catalogue(
    settings: Settings, *, serve: bool = False, threads: int | None = None, say: Say | None = None
) -> Iterator[Catalogue]:
    """The catalogue of the data directory.

    Its store is a Qdrant server where one is set; else the store of a server of ours that runs on this data
    directory; else the embedded store, in this process, or in a child process of its own when `serve` is set.

    Args:
        threads: of one forward pass; the setting where not given.

    Raises:
        NotFoundError: nothing was indexed here yet.
        StoreUnavailableError: the store does not answer, or another process owns it.
    """
    manifest = load_manifest(settings.data)
    if threads is not None:
        settings = settings.model_copy(update={"threads": threads})
    with ExitStack() as stack:
        yield assemble(settings, manifest, _open_store(settings, manifest, stack, serve=serve), say=say)


def assemble(settings: Settings, manifest: Manifest, store: Store, *, say: Say | None = None) -> Catalogue:
    """A catalogue from its parts; the encoders are loaded when the first photo comes."""
    return Catalogue(
        folder=settings.data,
        manifest=manifest,
        store=store,
        open_encoders=lambda: _open_recorded(settings, manifest.list_encoder_spaces(), say),
        open_tagger=lambda record: _open_tagger(settings, record),
        thumbnails=Thumbnails(settings.data / "thumbnails"),
        open_text=lambda record, spaces: _open_text(settings, record, spaces),
        open_clip_text=lambda spaces: _open_clip_text(settings, spaces),
    )


def _open_recorded(settings: Settings, spaces: Sequence[Space], say: Say | None) -> list[Encoder]:
    encoders = open_encoders(settings, [space.name for space in spaces], say=say)
    for encoder, space in zip(encoders, spaces, strict=True):
        if encoder.space != space:
            raise _to_mismatch(settings.data, space, encoder.space.weights_sha256)
    return encoders


def find_heads(data: Path, version: str) -> Path:
    """Folder of a trained classifier of this catalogue."""
    return data / "models" / "heads" / version


def find_texts(data: Path) -> Path:
    """Folder of this data directory's text towers, one folder a version."""
    return data / "models" / "text"


def _open_text(settings: Settings, record: TextRecord, spaces: Sequence[Space]) -> TextEncoder:
    from classifier.text.artefact import load_text

    return load_text(find_texts(settings.data) / record.version, spaces)


def _open_clip_text(settings: Settings, spaces: Sequence[Space]) -> TextEncoder | None:
    """The text side of the first CLIP among the spaces; None without one."""
    from search.encoders.clip_name import is_clip
    from search.encoders.clip_text import open_clip_text

    for space in spaces:
        if is_clip(space.name):
            opened = open_clip_text(space.name, models=settings.models_folder(), threads=settings.threads)
            if opened.space != space:
                raise _to_mismatch(settings.data, space, opened.space.weights_sha256)
            return opened
    return None


def find_spiking(data: Path) -> Path:
    """Folder of this data directory's converted network, whether there is one or not."""
    return data / "models" / "spiking"


def open_engines(settings: Settings) -> PixelEngines:
    """The networks on pixels of the data directory; loaded when they are asked, and to be closed."""
    from classifier.spiking.engines import PixelEngines

    return PixelEngines(find_spiking(settings.data), threads=settings.threads, timeout_s=settings.snn_timeout_s)


def _open_tagger(settings: Settings, record: ClassifierRecord) -> Tagger:
    from classifier.heads.artefact import load_heads
    from classifier.heads.tagger import HeadsTagger

    heads = load_heads(find_heads(settings.data, record.version))
    tagger = HeadsTagger(heads)
    if tagger.space.weights_sha256 != record.weights_sha256:
        raise IntegrityError(
            f"the classifier in {find_heads(settings.data, record.version)} is not the one the items were tagged with: "
            "bring it back, or tag again with 'vitrine tag'"
        )
    return tagger


def check_spaces(data: Path, spaces: Sequence[Space]) -> None:
    """See, without loading anything, that the weights the encoders' cards name are those a catalogue was built with.

    Args:
        spaces: the encoders' ones.

    Raises:
        MismatchError: they are other ones.
    """
    from search.encoders.registry import find_card

    for space in spaces:
        wanted = find_card(space.name).weights_sha256
        if not space.weights_sha256.startswith(wanted):
            raise _to_mismatch(data, space, wanted)


def _to_mismatch(data: Path, space: Space, found: str) -> MismatchError:
    return MismatchError(
        f"the catalogue in {data} was built with {space.name} {space.weights_sha256[:12]}, this installation has "
        f"{found[:12]}: their embeddings cannot be compared; bring back those weights, or index again into another "
        "data directory"
    )


def _open_store(settings: Settings, manifest: Manifest, stack: ExitStack, *, serve: bool) -> Store:
    if settings.qdrant_url:
        store = _open_server(settings, manifest)
        stack.callback(store.close)
        return store

    from search.stores.process import ADDRESS_FILE, ProcessStore, StoreProcess, find_running_store

    shard = find_shard(settings.data, manifest)
    running = find_running_store(settings.data)
    if serve:
        if running is not None:
            running.close()
            raise SetupError(f"a server runs on {settings.data} already; end it first, or use another data directory")
        process = StoreProcess(shard, settings.data, read_manifest=lambda: load_manifest(settings.data))
        stack.callback(process.close)
        running = ProcessStore(settings.data / ADDRESS_FILE)
    if running is not None:
        stack.callback(running.close)
        return running

    from search.stores.edge import open_edge_store

    store = open_edge_store(shard, spaces=manifest.spaces, schema=manifest.attributes)
    stack.callback(store.close)
    return store


def _open_server(settings: Settings, manifest: Manifest) -> Store:
    from qdrant_client import QdrantClient

    from search.stores.server import open_server_store

    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    client = QdrantClient(
        url=settings.qdrant_url, api_key=key, timeout=settings.qdrant_timeout_s, check_compatibility=False
    )
    collection = f"{settings.collection}-{manifest.generation}"
    return open_server_store(client, collection, spaces=manifest.spaces, schema=manifest.attributes)


def find_shard(data: Path, manifest: Manifest) -> Path:
    """Folder of the live generation's embedded store."""
    return data / "generations" / manifest.generation / "shard"
