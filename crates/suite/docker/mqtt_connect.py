#!/usr/bin/env python3
"""Speaks MQTT 5 to a broker on this machine, without any library, to show what any client can do.

    mqtt_connect.py read tcp|ws|tls PORT TOPIC [USER SECRET]     prints the first message on a topic
    mqtt_connect.py publish tcp|ws|tls PORT TOPICS USER SECRET   prints the topics that are not denied
    mqtt_connect.py receive tcp|ws|tls PORT PAYLOAD USER SECRET COMMAND…
                             subscribes to `#`, runs COMMAND, prints the topics that PAYLOAD came on
    mqtt_connect.py hold tcp|ws|tls PORT USER SECRET             ends when the broker ends it

WebSocket is RFC 6455 with the subprotocol `mqtt`. Exit code 3: CONNECT was refused. Exit code 4:
the broker closed the connection where an answer was expected.
"""

import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP = 1, 2, 3, 4, 8, 9, 12, 13
NOT_AUTHORIZED = 0x87


class Tcp:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        try:
            data = self.file.read(count)
        except ConnectionResetError:
            data = b""
        if len(data) != count:
            print("the broker closed the connection")
            sys.exit(4)
        return data


class Tls(Tcp):
    """Its certificate is that of $MQTT_CA_FILE."""

    def __init__(self, port):
        super().__init__(port)
        context = ssl.create_default_context(cafile=os.environ["MQTT_CA_FILE"])
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")


class WebSocket(Tcp):
    def __init__(self, port):
        super().__init__(port)
        key = base64.b64encode(os.urandom(16)).decode()
        super().send(
            f"GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: mqtt\r\n\r\n".encode()
        )
        status = self.file.readline().decode().strip()
        assert " 101 " in f"{status} ", f"no upgrade: {status}"
        headers = {}
        while line := self.file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert headers["sec-websocket-accept"] == base64.b64encode(accept).decode()
        assert headers["sec-websocket-protocol"] == "mqtt"
        self.received = b""

    def send(self, data):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        assert len(data) < 126
        super().send(struct.pack("!BB", 0x82, 0x80 | len(data)) + mask + masked)

    def receive(self, count):
        while len(self.received) < count:
            opcode, length = struct.unpack("!BB", super().receive(2))
            if length == 126:
                (length,) = struct.unpack("!H", super().receive(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", super().receive(8))
            payload = super().receive(length)
            assert opcode & 0x0F in (0, 2), f"unexpected frame {opcode:#x}"
            self.received += payload
        data, self.received = self.received[:count], self.received[count:]
        return data


def text(value):
    return struct.pack("!H", len(value)) + value.encode()


def send(connection, kind, flags, body):
    assert len(body) < 128
    connection.send(bytes([kind << 4 | flags, len(body)]) + body)


def receive_any(connection):
    """The type of the next packet, and what follows its length."""
    first = connection.receive(1)[0]
    length = shift = 0
    while True:
        byte = connection.receive(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first >> 4, connection.receive(length)


def receive(connection, expected):
    kind, body = receive_any(connection)
    assert kind == expected, f"packet type {kind}, not {expected}"
    return body


def connect(transport, port, user=None, secret=None):
    connection = {"tcp": Tcp, "ws": WebSocket, "tls": Tls}[transport](int(port))
    clean_start, keep_alive, no_properties = 2, 30, b"\0"
    flags = clean_start | (0xC0 if user else 0)
    login = text(user) + text(secret) if user else b""
    send(connection, CONNECT, 0,
         text("MQTT") + struct.pack("!BBH", 5, flags, keep_alive) + no_properties
         + text(f"connect-{os.getpid()}") + login)
    code = receive(connection, CONNACK)[1]
    if code != 0:
        print(f"CONNECT refused: {code:#x}")
        sys.exit(3)
    return connection


def subscribe(connection, topic):
    send(connection, SUBSCRIBE, 2, struct.pack("!HB", 1, 0) + text(topic) + b"\0")
    assert receive(connection, SUBACK)[3] == 0, "SUBSCRIBE refused"


def message(body):
    """Topic and payload of a PUBLISH with QoS 0."""
    topic_end = 2 + struct.unpack("!H", body[:2])[0]
    payload = topic_end + 1 + body[topic_end]
    return body[2:topic_end].decode(), body[payload:].decode()


def read(transport, port, topic, *login):
    connection = connect(transport, port, *login)
    subscribe(connection, topic)
    print(message(receive(connection, PUBLISH))[1])


def publish(transport, port, topics, *login):
    connection = connect(transport, port, *login)
    for topic in topics.split():
        send(connection, PUBLISH, 2, text(topic) + struct.pack("!HB", 1, 0) + b"{}")
        acknowledgement = receive(connection, PUBACK)
        code = acknowledgement[2] if len(acknowledgement) > 2 else 0
        # 0x10: nobody has subscribed.
        assert code in (0, 0x10, NOT_AUTHORIZED), f"{topic}: {code:#x}"
        if code != NOT_AUTHORIZED:
            print(topic)


def receive_all(transport, port, payload, user, secret, *command):
    connection = connect(transport, port, user, secret)
    subscribe(connection, "#")
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    # The answer comes after all that was published before.
    send(connection, PINGREQ, 0, b"")
    while True:
        kind, body = receive_any(connection)
        if kind == PINGRESP:
            return
        topic, received = message(body)
        if received == payload:
            print(topic)


def hold(transport, port, *login):
    connection = connect(transport, port, *login)
    print("connected", flush=True)
    connection.socket.settimeout(60)
    while connection.socket.recv(1000):
        pass


if __name__ == "__main__":
    commands = {"read": read, "publish": publish, "receive": receive_all, "hold": hold}
    commands[sys.argv[1]](*sys.argv[2:])
