"""POSTs to argv[1] and prints the status. See http_clients.sh for the other arguments."""

import sys

import requests

url, content_type, coding, length, chunked = sys.argv[1:6]
body = b" " * int(length)
pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
headers = {"Content-Type": content_type}
if coding:
    headers["Content-Encoding"] = coding
answer = requests.post(
    url, data=pieces if chunked == "chunked" else body, headers=headers, timeout=30
)
print(answer.status_code, "" if answer.content else "without a body")
