#!/usr/bin/env python3
"""Speaks MQTT 5 to a broker on this machine, without any library, to show what any client can do.

    mqtt_connect.py read tcp|ws|tls PORT TOPIC [USER SECRET]     prints the first message on a topic
    mqtt_connect.py publish tcp|ws|tls PORT TOPIC USER SECRET    prints the reason code
    mqtt_connect.py hold tcp|ws|tls PORT USER SECRET             ends when the broker ends it

WebSocket is RFC 6455 with the subprotocol `mqtt`. Exit code 3: CONNECT was refused.
"""

import base64
import hashlib
import os
import socket
import ssl
import struct
import sys

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9


class Tcp:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        data = self.file.read(count)
        assert len(data) == count, "the broker closed the connection"
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


def receive(connection, expected):
    first = connection.receive(1)[0]
    length = shift = 0
    while True:
        byte = connection.receive(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    assert first >> 4 == expected, f"packet type {first >> 4}, not {expected}"
    return connection.receive(length)


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


def read(transport, port, topic, *login):
    connection = connect(transport, port, *login)
    send(connection, SUBSCRIBE, 2, struct.pack("!HB", 1, 0) + text(topic) + b"\0")
    assert receive(connection, SUBACK)[3] == 0, "SUBSCRIBE refused"
    message = receive(connection, PUBLISH)
    topic_end = 2 + struct.unpack("!H", message[:2])[0]
    payload = topic_end + 1 + message[topic_end]
    print(message[payload:].decode())


def publish(transport, port, topic, *login):
    connection = connect(transport, port, *login)
    send(connection, PUBLISH, 2, text(topic) + struct.pack("!HB", 1, 0) + b"{}")
    acknowledgement = receive(connection, PUBACK)
    print(hex(acknowledgement[2]) if len(acknowledgement) > 2 else "0x0")


def hold(transport, port, *login):
    connection = connect(transport, port, *login)
    print("connected", flush=True)
    connection.socket.settimeout(60)
    while connection.socket.recv(1000):
        pass


if __name__ == "__main__":
    {"read": read, "publish": publish, "hold": hold}[sys.argv[1]](*sys.argv[2:])
