"""The ids of videos."""

from domain.timed_id import TimedIds

VIDEO_IDS = TimedIds("video", "video_")

new_video_id = VIDEO_IDS.new
is_video_id = VIDEO_IDS.has
created_at = VIDEO_IDS.created_at
oldest_first_key = VIDEO_IDS.oldest_first_key
newest_first_key = VIDEO_IDS.newest_first_key
