"""Files are known by their first bytes."""

import pytest

from domain.media import MEDIA, SIGNATURE_BYTES, content_blob, has_signature
from domain.video import Variant
from tests.unit.examples import JPEG, MP4, WEBP, a_video, an_id, an_image

FILES = {Variant.VIDEO: MP4, Variant.THUMBNAIL: WEBP, Variant.SPRITESHEET: JPEG}


@pytest.mark.parametrize("file", Variant)
@pytest.mark.parametrize("variant", Variant)
def test_a_file_is_taken_for_what_it_is_and_for_nothing_else(variant: Variant, file: Variant):
    assert has_signature(variant, FILES[file][:SIGNATURE_BYTES]) == (variant is file)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize(
    "head", [b"", b"{", b'{"error": {"message": "no"}}', b"<html>", b"\x00" * 12, b"RIFF\x10\x00\x00\x00WAVE"]
)
def test_an_error_page_is_no_file(variant: Variant, head: bytes):
    assert not has_signature(variant, head[:SIGNATURE_BYTES])


def test_real_images_are_recognized():
    assert has_signature(Variant.THUMBNAIL, an_image("WEBP")[:SIGNATURE_BYTES])
    assert has_signature(Variant.SPRITESHEET, an_image("JPEG")[:SIGNATURE_BYTES])


def test_each_file_of_each_video_has_a_blob_of_its_own():
    videos = [a_video(), a_video(video_id=an_id(1)), a_video(tenant="other")]
    blobs = {content_blob(video.ref, variant) for video in videos for variant in Variant}
    assert len(blobs) == len(videos) * len(MEDIA)
