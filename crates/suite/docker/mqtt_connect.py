#!/usr/bin/env python3
"""Connects to an MQTT broker on this machine, subscribes to one topic and prints its first message.

    mqtt_connect.py tcp|ws PORT TOPIC

Speaks MQTT 3.1.1 over TCP or over WebSocket (RFC 6455, subprotocol `mqtt`) without any library, to
show that any client can connect.
"""

import base64
import hashlib
import os
import socket
import struct
import sys

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK = 1, 2, 3, 8, 9


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


def main(transport, port, topic):
    connection = {"tcp": Tcp, "ws": WebSocket}[transport](int(port))
    client_id = f"connect-{os.getpid()}"
    clean_session, keep_alive = 2, 30
    send(connection, CONNECT, 0,
         text("MQTT") + struct.pack("!BBH", 4, clean_session, keep_alive) + text(client_id))
    assert receive(connection, CONNACK)[1] == 0, "CONNECT refused"
    send(connection, SUBSCRIBE, 2, struct.pack("!H", 1) + text(topic) + b"\0")
    assert receive(connection, SUBACK)[2] == 0, "SUBSCRIBE refused"
    message = receive(connection, PUBLISH)
    print(message[2 + struct.unpack("!H", message[:2])[0]:].decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
