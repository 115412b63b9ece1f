"""Feeds: a shop's file of products, or a folder of photos, read row by row as items.

Works with files. Knows nothing of pixels, encoders or stores. A row that cannot be used comes out as a `RowProblem`
between the others; only a feed that cannot be read at all is a `FeedError`.
"""

from indexer.feed.feed import Feed, list_formats, open_feed
from indexer.feed.photos import check_photo, read_photo, resolve_photo
from indexer.feed.problem import RowProblem
from indexer.feed.row import FeedRow
from indexer.feed.survey import Survey, survey_feed

__all__ = [
    "Feed",
    "FeedRow",
    "RowProblem",
    "Survey",
    "check_photo",
    "list_formats",
    "open_feed",
    "read_photo",
    "resolve_photo",
    "survey_feed",
]
