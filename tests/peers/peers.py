"""Clients that stand for WeChat and DingTalk towards minhu, and the servers that minhu calls there.

Nothing here shares code with the program: WeChat's envelope is wechatpy's, DingTalk's signature the standard library's.
Whatever a person is told, in the answer to a callback or by a push, ends in that person's inbox.
"""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import xmltodict
from wechatpy.crypto import WeChatCrypto

# A grey square of 16 by 16 points.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i"
    "Z2hnPk1xeXBkeFxlZ2P/wAALCAAQABABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AAP/Z"
)

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http(method, url, body=None, headers=None, timeout=10):
    """Status and body; a refusal is no exception."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with _direct.open(request, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


class Clock:
    """The time that minhu shows, which may be another day than today."""

    def __init__(self, start=None):
        self.offset = 0.0 if start is None else start - time.time()

    def seconds(self):
        return int(time.time() + self.offset)

    def millis(self):
        return int((time.time() + self.offset) * 1000)


class Inboxes:
    """What everybody was told, in order. Keys are (channel, id); each expectation begins behind the one before."""

    def __init__(self):
        self._messages = {}
        self._seen = {}
        self._changed = threading.Condition()

    def put(self, who, text):
        with self._changed:
            self._messages.setdefault(who, []).append(text)
            self._changed.notify_all()

    def expect(self, who, *needles, within=30):
        """The next message to `who` that holds all the needles; a needle that is a tuple means one of several words."""

        def holds(text):
            return all(any(word in text for word in ((n,) if isinstance(n, str) else n)) for n in needles)

        end = time.monotonic() + within
        with self._changed:
            while True:
                begin, all_of = self._seen.get(who, 0), self._messages.get(who, [])
                for at in range(begin, len(all_of)):
                    if holds(all_of[at]):
                        self._seen[who] = at + 1
                        return all_of[at]
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{who} was not told {needles}, but since then: {all_of[begin:]}")
                self._changed.wait(left)

    def count(self, who, needle):
        """How many messages to `who` hold the needle."""
        with self._changed:
            return sum(needle in text for text in self._messages.get(who, []))


class WeChat:
    """WeChat towards /hook/{id} in safe mode: seals what people do, opens the passive replies."""

    def __init__(self, hook, clock, inboxes, *, app_id, token, aes_key, original_id="gh_peers"):
        self.hook, self.clock, self.inboxes = hook, clock, inboxes
        self.token, self.original_id = token, original_id
        self.crypto = WeChatCrypto(token, aes_key, app_id)
        self._next = 10_000_000_000_000_000

    def seal(self, xml, openid):
        """Query and body as the platform posts them."""
        timestamp, nonce = str(self.clock.seconds()), "peersnonce"
        sealed = xmltodict.parse(self.crypto.encrypt_message(xml, nonce, timestamp))["xml"]
        plain = hashlib.sha1("".join(sorted([self.token, timestamp, nonce])).encode()).hexdigest()
        query = urllib.parse.urlencode({
            "signature": plain, "timestamp": timestamp, "nonce": nonce, "openid": openid,
            "encrypt_type": "aes", "msg_signature": sealed["MsgSignature"],
        })
        body = f"<xml><ToUserName><![CDATA[{self.original_id}]]></ToUserName>" \
               f"<Encrypt><![CDATA[{sealed['Encrypt']}]]></Encrypt></xml>"
        return query, body.encode()

    def open(self, body):
        """The text of a passive reply, after its signature; None for `success` or an empty answer."""
        if body in (b"", b"success"):
            return None
        reply = xmltodict.parse(body)["xml"]
        xml = self.crypto.decrypt_message(body, reply["MsgSignature"], reply["TimeStamp"], reply["Nonce"])
        return xmltodict.parse(xml)["xml"].get("Content")

    def check_address(self):
        """The check that the console makes when the address is saved."""
        timestamp, nonce, echo = str(self.clock.seconds()), "n1", "5577006791947779410"
        sign = hashlib.sha1("".join(sorted([self.token, timestamp, nonce])).encode()).hexdigest()
        query = urllib.parse.urlencode({"signature": sign, "timestamp": timestamp, "nonce": nonce, "echostr": echo})
        assert http("GET", f"{self.hook}?{query}") == (200, echo.encode()), "the address check"

    def post(self, openid, fields, again=False):
        """Posts one message or event; `again` with the id of the message before, as the platform does when it heard nothing."""
        common = {"ToUserName": self.original_id, "FromUserName": openid, "CreateTime": str(self.clock.seconds())}
        if fields["MsgType"] != "event":
            self._next += not again
            fields = {**fields, "MsgId": str(self._next)}
        xml = xmltodict.unparse({"xml": {**common, **fields}}, full_document=False)
        query, body = self.seal(xml, openid)
        status, answer = http("POST", f"{self.hook}?{query}", body, {"Content-Type": "text/xml"})
        assert status == 200, f"WeChat would say that the service is out of order: HTTP {status}"
        said = self.open(answer)
        if said and not again:
            self.inboxes.put(("mp", openid), said)
        return said

    def forge(self, openid, words):
        """The statuses of a text with another's signature, with none, and with a body that is not the signed one."""
        xml = f"<xml><ToUserName>{self.original_id}</ToUserName><FromUserName>{openid}</FromUserName>" \
              f"<CreateTime>{self.clock.seconds()}</CreateTime><MsgType>text</MsgType><Content>{words}</Content><MsgId>9</MsgId></xml>"
        query, body = self.seal(xml, openid)
        fields = dict(urllib.parse.parse_qsl(query))
        wrong = {**fields, "msg_signature": hashlib.sha1(b"somebody else").hexdigest()}
        none = {name: value for name, value in fields.items() if "signature" not in name}
        other = self.seal(xml.replace(words, words * 2), openid)[1]
        statuses = []
        for fields, body in ((wrong, body), (none, body), (fields, other)):
            url = f"{self.hook}?{urllib.parse.urlencode(fields)}"
            statuses.append(http("POST", url, body, {"Content-Type": "text/xml"})[0])
        return statuses

    def text(self, openid, words):
        return self.post(openid, {"MsgType": "text", "Content": words})

    def text_again(self, openid, words):
        return self.post(openid, {"MsgType": "text", "Content": words}, again=True)

    def photo(self, openid, media_id):
        self.post(openid, {"MsgType": "image", "PicUrl": "http://mmbiz.qpic.cn/peers/0", "MediaId": media_id})

    def subscribe(self, openid):
        self.post(openid, {"MsgType": "event", "Event": "subscribe", "EventKey": ""})


class DingTalk:
    """DingTalk towards /hook/{id}: signed posts of what people write to the robot."""

    def __init__(self, hook, clock, base, *, secret, robot_code):
        self.hook, self.clock, self.base = hook, clock, base
        self.secret, self.robot_code = secret, robot_code
        self._next = 0

    def headers(self, timestamp):
        message = f"{timestamp}\n{self.secret}".encode()
        sign = base64.b64encode(hmac.new(self.secret.encode(), message, hashlib.sha256).digest()).decode()
        return {"Content-Type": "application/json; charset=utf-8", "timestamp": timestamp, "sign": sign}

    def message(self, staff, parts, group=None):
        """What the platform posts for one message."""
        self._next += 1
        now = self.clock.millis()
        conversation = group or f"cid-private-{staff}"
        # The token of the session says where it leads; the real one is opaque.
        session = urllib.parse.quote(f"{'group' if group else 'private'}:{group or staff}", safe="")
        body = {
            "msgId": f"msgPeers{self._next}==", "createAt": now,
            "conversationType": "2" if group else "1", "conversationId": conversation,
            "senderId": f"$:LWCP_v1:$of-{staff}", "senderNick": staff, "senderStaffId": staff,
            "robotCode": self.robot_code, "chatbotUserId": "$:LWCP_v1:$robot",
            "sessionWebhook": f"{self.base}/robot/sendBySession?session={session}",
            "sessionWebhookExpiredTime": now + 5_400_000,
            **parts,
        }
        return json.dumps(body, ensure_ascii=False).encode(), str(now)

    def post(self, staff, parts, group=None):
        body, now = self.message(staff, parts, group)
        status, answer = http("POST", self.hook, body, self.headers(now))
        assert status == 200, f"HTTP {status}"
        assert json.loads(answer) == {"msgtype": "empty"}, answer

    def text(self, staff, words, group=None):
        self.post(staff, {"msgtype": "text", "text": {"content": f" {words}" if group else words}}, group)

    def photo(self, staff, code):
        self.post(staff, {"msgtype": "picture", "content": {"downloadCode": code, "pictureDownloadCode": f"p{code}"}})

    def forge(self, staff, words):
        """The status of a text with another's signature, and of one that is not signed at all."""
        body, now = self.message(staff, {"msgtype": "text", "text": {"content": words}})
        wrong = {**self.headers(now), "sign": base64.b64encode(hashlib.sha256(b"somebody else").digest()).decode()}
        none = {"Content-Type": "application/json; charset=utf-8"}
        return [http("POST", self.hook, body, headers)[0] for headers in (wrong, none)]


class Platforms:
    """The hosts that minhu calls, of both platforms, on one port. Says yes to everything that is well formed."""

    def __init__(self, inboxes):
        self.inboxes = inboxes
        self.unexpected = []
        self.pictures = {}
        platforms = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self._answer(None)

            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                self._answer(json.loads(self.rfile.read(length) or b"{}"))

            def _answer(self, body):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                status, answer = platforms.answer(url.path, query, self.headers, body)
                picture = isinstance(answer, bytes)
                content = answer if picture else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "image/jpeg" if picture else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        class Listener(ThreadingHTTPServer):
            def handle_error(self, *_):
                # The program was killed while it was being answered; anything else is a fault of this file.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(*_)

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, query, headers, body):
        if path.startswith("/cgi-bin/"):
            return self._wechat(path, query, body)
        if path.startswith("/v1.0/") or path.startswith("/robot/") or path.startswith("/files/"):
            return self._dingtalk(path, query, headers, body)
        return self._no_such(path)

    def _wechat(self, path, query, body):
        if path in ("/cgi-bin/stable_token", "/cgi-bin/token"):
            return 200, {"access_token": "wechat-token", "expires_in": 7200}
        if query.get("access_token") != "wechat-token":
            return 200, {"errcode": 40001, "errmsg": "invalid credential"}
        if path == "/cgi-bin/message/custom/send":
            self.inboxes.put(("mp", body["touser"]), _wechat_words(body))
            return 200, {"errcode": 0, "errmsg": "ok"}
        if path == "/cgi-bin/menu/create":
            return 200, {"errcode": 0, "errmsg": "ok"}
        if path == "/cgi-bin/media/get" and query.get("media_id") in self.pictures:
            return 200, self.pictures[query["media_id"]]
        return self._no_such(path)

    def _dingtalk(self, path, query, headers, body):
        if path == "/v1.0/oauth2/accessToken":
            return 200, {"accessToken": "ding-token", "expireIn": 7200}
        if path == "/robot/sendBySession":
            where, _, whom = query["session"].partition(":")
            self.inboxes.put(("ding" if where == "private" else "ding-group", whom), body["text"]["content"])
            return 200, {"errcode": 0, "errmsg": "ok"}
        if path.startswith("/files/"):
            code = path.removeprefix("/files/")
            return (200, self.pictures[code]) if code in self.pictures else self._no_such(path)
        if headers.get("x-acs-dingtalk-access-token") != "ding-token":
            return 400, {"code": "InvalidAuthentication", "message": "x"}
        if path == "/v1.0/robot/oToMessages/batchSend":
            for staff in body["userIds"]:
                self.inboxes.put(("ding", staff), json.loads(body["msgParam"])["content"])
            return 200, {"processQueryKey": "k", "invalidStaffIdList": [], "flowControlledStaffIdList": []}
        if path == "/v1.0/robot/groupMessages/send":
            group = body["openConversationId"]
            self.inboxes.put(("ding-group", group), json.loads(body["msgParam"])["content"])
            return 200, {"processQueryKey": "k"}
        if path == "/v1.0/robot/messageFiles/download":
            return 200, {"downloadUrl": f"{self.base}/files/{body['downloadCode']}"}
        return self._no_such(path)

    def _no_such(self, path):
        self.unexpected.append(path)
        return 404, {"errcode": 404, "code": "NotFound"}


def _wechat_words(body):
    """The words of a customer-service message: plain, or a menu of answers to tap."""
    if body["msgtype"] == "text":
        return body["text"]["content"]
    menu = body["msgmenu"]
    return "\n".join([menu["head_content"], *(entry["content"] for entry in menu["list"]), menu.get("tail_content", "")])
