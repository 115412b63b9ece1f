"""The dry run."""

from __future__ import annotations

import json

from indexer.feed import open_feed, survey_feed


def test_a_survey_counts_and_shows_the_first_problems(write):
    write("a.jpg", b"x")
    rows = ["1,Red,a.jpg,", "2,Blue,gone.jpg,", "3,Red,a.jpg,gone.jpg", ",Red,a.jpg,", "1,Red,a.jpg,", "5,Red"]
    path = write("f.csv", "sku,colour,photo,images\n" + "\n".join(rows) + "\n6,Red,http://x.example/a.jpg,\n")
    survey = survey_feed(open_feed(path), limit_problems=3)
    assert (survey.rows, survey.usable, survey.photos) == (7, 2, 2)
    assert survey.problem_counts == {
        "missing_photo": 2,
        "missing_id": 1,
        "duplicate_id": 1,
        "ragged_row": 1,
        "remote_photo": 1,
    }
    assert [(p.row, p.id, p.field, p.code) for p in survey.problems] == [
        (2, "2", "image_link", "missing_photo"),
        (3, "3", "additional_image_link", "missing_photo"),
        (4, None, "id", "missing_id"),
    ]
    assert survey.samples["color"] == ("Red",)
    assert survey.mapping["color"] == "colour"
    json.dumps(survey.to_wire())


def test_photos_need_not_be_looked_up(write):
    survey = survey_feed(open_feed(write("f.csv", "id,image\n1,gone.jpg\n")), check_photos=False)
    assert (survey.usable, survey.problem_counts) == (1, {})


def test_the_shop_s_own_file_has_no_problems(catalogue_dir):
    survey = survey_feed(open_feed(catalogue_dir / "products.csv"))
    assert (survey.rows, survey.usable, survey.photos, survey.profile) == (6000, 6000, 6000, "fashion")
    assert survey.problem_counts == {}
