"""A villager reports in WeChat (safe mode), the centre and a bureau work in DingTalk, the villager rates.

    tests/peers/run.sh target/debug/minhu      starts `minhu serve` and plays the story
    tests/peers/run.sh --self-check            checks the clients against the vectors, without minhu

It looks for key words only: how the sentences run is the business of the transcripts.
"""

import datetime
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from peers import JPEG, Clock, DingTalk, Inboxes, Platforms, WeChat, http

# A Monday morning, so that neither quiet hours nor a weekend hold anything back.
START = datetime.datetime.fromisoformat("2026-11-23T10:00:00+08:00")

MP = {"app_id": "wxpeers0000000001", "token": "peerstoken", "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
DING = {"secret": "peers-ding-secret", "robot_code": "dingpeers"}

VILLAGER = ("mp", "oPeersVillager")
DISPATCHER = ("ding", "manager01")
LIAISON = ("ding", "swj01")

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"

[database]
url = "sqlite://{dir}/minhu.db"

[media]
dir = "{dir}/media"

[paths]
org = "{dir}/org.toml"

[security]
key = "cGVlcnMtcGVlcnMtcGVlcnMtcGVlcnMtcGVlcnMtcGU="

[[channel]]
kind = "wechat"
id = "mp"
app_id = "{mp[app_id]}"
secret = "peers-mp-secret"
token = "{mp[token]}"
aes_key = "{mp[aes_key]}"
mode = "safe"
api_base = "{base}"

[[channel]]
kind = "dingtalk"
id = "ding"
mode = "http"
client_id = "{ding[robot_code]}"
client_secret = "{ding[secret]}"
api_base = "{base}"
oapi_base = "{base}"
"""

ORG = """
[[area]]
code = "131122"
name = "武邑县"
level = "county"
prefix = "WY"

[[area]]
code = "131122102"
name = "审坡镇"
level = "township"

[[area]]
code = "131122102214"
name = "前观津"
level = "village"

[[unit]]
id = "swj"
name = "水务局"
aliases = ["水利局"]
area = "131122"

[[field]]
id = "groundwater"
name = "地下水超采综合治理"
unit = "swj"

[[person]]
id = "li"
name = "李派单"
accounts = ["ding:manager01"]
grants = [ { role = "intake", area = "131122" }, { role = "dispatcher", area = "131122" } ]

[[person]]
id = "sun"
name = "孙联络"
accounts = ["ding:swj01"]
grants = [ { role = "liaison", area = "131122", unit = "swj" } ]
"""


def story(mp, ding, inboxes):
    """The whole way of one report. Each line that expects something fails with what was said instead."""

    def villager(words):
        mp.text(VILLAGER[1], words)

    def staff(who, words):
        ding.text(who[1], words)

    def told(who, *needles):
        return inboxes.expect(who, *needles)

    mp.check_address()
    mp.subscribe(VILLAGER[1])
    told(VILLAGER, ("反映", "您好"))

    # A photo alone begins a report.
    mp.photo(VILLAGER[1], "photo-1")
    told(VILLAGER, "村")
    villager("前观津")
    told(VILLAGER, ("什么事", "一句话", "出了"))
    villager("村北头机井夜里还在抽水浇地，抽了好几天了")
    confirm = skip_to(inboxes, villager, "提交")
    assert "前观津" in confirm, confirm
    villager("提交")
    number = re.search(r"WY\d{10,}", told(VILLAGER, "WY")).group()
    short = int(number[-4:])

    told(DISPATCHER, number[-4:])
    staff(DISPATCHER, f"派单 {short} swj")
    told(DISPATCHER, "水务局")
    told(LIAISON, number[-4:])
    told(VILLAGER, "水务局")

    staff(LIAISON, f"签收 {short}")
    told(LIAISON, "签收")
    staff(LIAISON, f"办结 {short} 属实 关停 机井已经断电封填，水泵拉走，周边三户也都告知到了")
    told(LIAISON, ("办结", "审"))
    told(DISPATCHER, ("办结", "审"))
    staff(DISPATCHER, f"通过 {short}")
    told(DISPATCHER, "通过")

    # The result and the first question come in one message.
    told(VILLAGER, "解决")
    villager("1")
    told(VILLAGER, "满意")
    villager("5")
    told(VILLAGER, ("联系", "谢"))
    villager("1")
    told(LIAISON, ("评价", "满意"))
    return number


def skip_to(inboxes, say, needle, at_most=8):
    """Questions of the field are not this story's: each is skipped until the one that is looked for."""
    for _ in range(at_most):
        asked = inboxes.expect(VILLAGER)
        if needle in asked:
            return asked
        say("跳过")
    raise AssertionError(f"never came to {needle}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_files(directory, port, base):
    (directory / "org.toml").write_text(ORG, encoding="utf-8")
    config = directory / "minhu.toml"
    config.write_text(CONFIG.format(port=port, dir=directory, base=base, mp=MP, ding=DING), encoding="utf-8")
    return config


def wait_until_ready(server, hooks):
    for _ in range(300):
        if server.poll() is not None:
            raise AssertionError(f"minhu ended with {server.returncode}")
        try:
            if http("GET", f"{hooks}/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("minhu did not become ready within 30 s")


def play(minhu):
    inboxes = Inboxes()
    platforms = Platforms(inboxes)
    platforms.pictures["photo-1"] = JPEG
    with tempfile.TemporaryDirectory() as name:
        directory, port = pathlib.Path(name), free_port()
        config = write_files(directory, port, platforms.base)
        # Without the proxies of this machine: the platforms are played here.
        env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        env["MINHUTEST_CLOCK"] = START.isoformat()
        clock = Clock(START.timestamp())
        server = subprocess.Popen([minhu, "serve", "--config", str(config)], env=env, cwd=directory)
        try:
            hooks = f"http://127.0.0.1:{port}"
            wait_until_ready(server, hooks)
            mp = WeChat(f"{hooks}/hook/mp", clock, inboxes, **MP)
            ding = DingTalk(f"{hooks}/hook/ding", clock, platforms.base, **DING)
            number = story(mp, ding, inboxes)
            assert not platforms.unexpected, f"calls that the platforms do not have: {platforms.unexpected}"
            print(f"{number}: reported, dispatched, signed, done, passed, rated")
        finally:
            server.terminate()
            server.wait(timeout=30)
        assert server.returncode == 0, f"minhu ended with {server.returncode}"


def self_check():
    """The clients against values that were made elsewhere, and the inboxes against themselves."""
    vectors = pathlib.Path(__file__).parent.parent / "vectors" / "dingtalk.json"
    cases = json.loads(vectors.read_text(encoding="utf-8"))["robot_http_callback_signature"]["cases"]
    for case in cases:
        ding = DingTalk("", Clock(), "", secret=case["app_secret"], robot_code="r")
        assert ding.headers(case["timestamp"])["sign"] == case["sign"], case["name"]

    inboxes = Inboxes()
    mp = WeChat("", Clock(), inboxes, **MP)
    query, body = mp.seal("<xml><Content>机井</Content></xml>", "o1")
    assert "msg_signature=" in query and "机井".encode() not in body
    sealed = mp.crypto.encrypt_message("<xml><Content><![CDATA[已收到]]></Content></xml>", "n", "1")
    assert mp.open(sealed.encode()) == "已收到" and mp.open(b"success") is None

    platforms = Platforms(inboxes)
    send = json.dumps({"touser": "o1", "msgtype": "text", "text": {"content": "交给水务局了"}}).encode()
    for token, code in (("wrong", 40001), ("wechat-token", 0)):
        url = f"{platforms.base}/cgi-bin/message/custom/send?access_token={token}"
        assert json.loads(http("POST", url, send)[1])["errcode"] == code
    assert inboxes.expect(("mp", "o1"), ("住建局", "水务局")) == "交给水务局了"
    text = json.dumps({"msgtype": "text", "text": {"content": "好"}}).encode()
    http("POST", f"{platforms.base}/robot/sendBySession?session=group%3AcidG%3D%3D", text)
    assert inboxes.expect(("ding-group", "cidG==")) == "好"
    try:
        inboxes.expect(("mp", "o1"), "水务局", within=0.05)
    except AssertionError:
        pass
    else:
        raise AssertionError("a message was expected twice")
    with tempfile.TemporaryDirectory() as name:
        import tomllib

        config = tomllib.loads(write_files(pathlib.Path(name), 1, platforms.base).read_text(encoding="utf-8"))
        assert [channel["id"] for channel in config["channel"]] == ["mp", "ding"]
        assert len(tomllib.loads(ORG)["area"]) == 3
    print("the clients are sound")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--self-check"]:
            self_check()
        case [program]:
            play(os.path.abspath(program))
        case _:
            sys.exit("usage: story.py MINHU | --self-check")
