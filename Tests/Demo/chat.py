"""An application as anybody writes it with the OpenAI SDK: it knows a URL and the names of models, nothing else."""

import sys
import time

from openai import OpenAI


def main(base_url: str, models: list[str]) -> None:
    client = OpenAI(base_url=base_url, api_key="unused")
    print("models:", ", ".join(model.id for model in client.models.list()))
    for model in models:
        message = [{"role": "user", "content": f"Who are you, {model}?"}]
        answer = client.chat.completions.create(model=model, messages=message, max_tokens=4)
        print(f"{model}, in one piece: {answer.choices[0].message.content}  ({answer.usage.total_tokens} tokens)")
        print(f"{model}, streamed:    ", end=" ", flush=True)
        began = time.monotonic()
        for chunk in client.chat.completions.create(model=model, messages=message, stream=True):
            print(chunk.choices[0].delta.content or "", end="", flush=True)
        print(f"  ({time.monotonic() - began:.2f} s)")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
