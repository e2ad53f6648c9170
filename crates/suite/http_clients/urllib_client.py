"""POSTs to argv[1] and prints the status. See http_clients.sh for the other arguments."""

import sys
import urllib.error
import urllib.request

url, content_type, coding, length, chunked = sys.argv[1:6]
body = b" " * int(length)
pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
headers = {"Content-Type": content_type}
if coding:
    headers["Content-Encoding"] = coding
request = urllib.request.Request(
    url, data=pieces if chunked == "chunked" else body, headers=headers, method="POST"
)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.status, answer.read() and "")
except urllib.error.HTTPError as error:
    print(error.code, "" if error.read() else "without a body")
