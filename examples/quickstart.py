"""Create a video with the OpenAI client and save it: `make run` in one terminal, this in another.

The address and the key come from OPENAI_BASE_URL and OPENAI_API_KEY or, if these are not set, from the stack that
`make run` started.
"""

import json
import os
from pathlib import Path

from openai import OpenAI

if "OPENAI_BASE_URL" not in os.environ:
    stack = json.loads((Path(__file__).parents[1] / ".local" / "stack.json").read_text())
    os.environ.update(OPENAI_BASE_URL=stack["base_url"], OPENAI_API_KEY=stack["api_key"])

client = OpenAI()
video = client.videos.create_and_poll(prompt="A paper boat sails down a rain-soaked street at dusk", seconds="4")
client.videos.download_content(video.id).write_to_file(f"{video.id}.mp4")

print(f"{video.status}: {video.id}.mp4")
