"""Create a video with the OpenAI client and save it: `make run` in one terminal, this in another.

The address and the key come from OPENAI_BASE_URL and OPENAI_API_KEY or, if these are not set, from the stack that
`make run` started.
"""

import json
import os
import sys
from pathlib import Path

from openai import OpenAI

if "OPENAI_BASE_URL" not in os.environ:
    stack_file = Path(__file__).parents[1] / ".local" / "stack.json"
    if not stack_file.exists():
        sys.exit("no stack is running: start one with `make run`")
    stack = json.loads(stack_file.read_text())
    os.environ.update(OPENAI_BASE_URL=stack["base_url"], OPENAI_API_KEY=stack["api_key"])

client = OpenAI()
video = client.videos.create_and_poll(prompt="A paper boat sails down a rain-soaked street at dusk", seconds="4")
client.videos.download_content(video.id).write_to_file(f"{video.id}.mp4")

print(f"{video.status}: {video.id}.mp4")
