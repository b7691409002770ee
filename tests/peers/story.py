"""A villager reports in WeChat (safe mode), the centre and a bureau work in DingTalk, the villager rates. On the way
messages come twice, forged messages come, and the program is killed in the middle of a dialog.

    tests/peers/run.sh target/debug/minhu      starts `minhu serve` and plays the story
    tests/peers/run.sh --self-check            checks the clients against the vectors, without minhu

It looks for key words only: how the sentences run is the business of the transcripts.
"""

import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from peers import JPEG, Clock, DingTalk, Inboxes, Platforms, WeChat, http

# A Monday morning, so that neither quiet hours nor a weekend hold anything back.
START = datetime.datetime.fromisoformat("2026-11-23T10:00:00+08:00")

MP = {"app_id": "wxpeers0000000001", "token": "peerstoken", "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
DING = {"secret": "peers-ding-secret", "robot_code": "dingpeers"}

VILLAGER = ("mp", "oPeersVillager")
DISPATCHER = ("ding", "manager01")
LIAISON = ("ding", "swj01")
LEADER = ("ding", "swj02")
# The group of the bureau; identifiers of DingTalk end like this.
GROUP = ("ding-group", "cidSwj0001==")

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
metrics = "127.0.0.1:{figures}"
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
words = "机井|抽水"
photo = true

[[person]]
id = "li"
name = "李派单"
accounts = ["ding:manager01"]
grants = [ { role = "intake", area = "131122" }, { role = "dispatcher", area = "131122" } ]

[[person]]
id = "wang"
name = "王联络"
accounts = ["ding:swj01"]
grants = [ { role = "liaison", unit = "swj" } ]

[[person]]
id = "sun"
name = "孙局长"
accounts = ["ding:swj02"]
grants = [ { role = "unit_leader", unit = "swj" } ]

[[group]]
id = "g-swj"
name = "水务局工作群"
chat = "ding:cidSwj0001=="
unit = "swj"
"""


def story(server, mp, ding, inboxes):
    """The whole way of one report. Each line that expects something fails with what was said instead."""

    def villager(words):
        return mp.text(VILLAGER[1], words)

    def staff(who, words):
        ding.text(who[1], words)

    def told(who, *needles):
        return inboxes.expect(who, *needles)

    mp.check_address()
    mp.subscribe(VILLAGER[1])
    told(VILLAGER, ("反映", "您好"))

    # What is not the platform's is refused and leaves nothing behind.
    before = server.rows()
    forged = mp.forge(VILLAGER[1], "前观津夜里有人抽水") + ding.forge(DISPATCHER[1], "待派")
    assert forged == [403, 403, 403, 403, 400], f"forged messages: {forged}"
    assert server.rows() == before, (before, server.rows())

    # A photo alone begins a report.
    mp.photo(VILLAGER[1], "photo-1")
    told(VILLAGER, "哪个村")
    villager("前观津")
    told(VILLAGER, "什么事")

    # The machine loses its power in the middle of the dialog; afterwards the dialog goes on.
    server.kill()
    server.start()
    villager("村北头机井夜里还在抽水浇地，抽了好几天了")
    told(VILLAGER, "前观津", "照片1张", "提交")

    # The platform heard no answer and delivers again: the same answer, and one ticket.
    first = villager("提交")
    told(VILLAGER, "编号 0001")
    assert mp.text_again(VILLAGER[1], "提交") == first, "another answer to a repeated message"
    assert mp.text_again(VILLAGER[1], "提交") == first, "another answer to a message that came a third time"
    assert server.rows()["ticket"] == 1, server.rows()

    staff(DISPATCHER, "待派")
    told(DISPATCHER, "0001", "水务局")
    staff(DISPATCHER, "派单 1 swj")
    told(DISPATCHER, "已派单", "水务局")
    card = told(GROUP, "新工单", "0001", "审坡镇")
    assert "抽水" not in card and "前观津" not in card, f"a group reads what happened: {card}"
    told(VILLAGER, "交给水务局办了")

    ding.text(LIAISON[1], "签收 1", GROUP[1])
    told(GROUP, "已签收", "0001")
    staff(LIAISON, "办结 1 属实 关停 机井已经断电封填，水泵拉走了，周边三户也都告知到了")
    told(LIAISON, "照片")
    ding.photo(LIAISON[1], "photo-2")
    told(LIAISON, "已办结")
    told(LEADER, "0001", "审核 1", "断电封填")

    # Once more, between two people, and for so long that downloads which were cut off are taken up again.
    server.kill()
    server.clock.offset += 6 * 60
    server.start()
    staff(LEADER, "审核 1")
    told(LEADER, "已审核")
    staff(DISPATCHER, "待审")
    told(DISPATCHER, "待审 1 件", "0001")
    staff(DISPATCHER, "通过 1")
    told(DISPATCHER, "已通过")

    # The result and the first question come in one message.
    told(VILLAGER, "水务局办了", "断电封填", "解决了吗")
    villager("1")
    told(VILLAGER, "满意吗")
    villager("5")
    told(VILLAGER, "联系过您吗")
    villager("1")
    told(VILLAGER, "还有想说的吗")
    villager("没有")
    told(VILLAGER, "谢谢您")
    for words in ("什么事", "编号 0001", "交给水务局办了", "解决了吗"):
        assert inboxes.count(VILLAGER, words) == 1, f"said more than once: {words}"
    return server.query("SELECT number, state FROM ticket")


def free_port():
    """Below the ports that the system gives to outgoing connections."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.randrange(20_000, 32_768)))
            return probe.getsockname()[1]


def write_files(directory, port, base, figures=2):
    (directory / "org.toml").write_text(ORG, encoding="utf-8")
    config = directory / "minhu.toml"
    config.write_text(CONFIG.format(port=port, figures=figures, dir=directory, base=base, mp=MP, ding=DING), encoding="utf-8")
    return config


class Server:
    """The program as a process of its own, over a folder that outlives it."""

    def __init__(self, minhu, directory, platforms):
        self.port, self.figures_port = free_port(), free_port()
        self.hooks = f"http://127.0.0.1:{self.port}"
        self.config = write_files(directory, self.port, platforms.base, self.figures_port)
        self.minhu, self.directory = minhu, directory
        self.clock = Clock(START.timestamp())
        self.process = None

    def start(self):
        # Without the proxies of this machine: the platforms are played here.
        env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        now = datetime.datetime.fromtimestamp(self.clock.seconds(), START.tzinfo)
        env["MINHUTEST_CLOCK"] = now.isoformat()
        command = [self.minhu, "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, env=env, cwd=self.directory)
        for _ in range(300):
            if self.process.poll() is not None:
                raise AssertionError(f"minhu ended with {self.process.returncode}")
            try:
                if http("GET", f"{self.hooks}/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError("minhu did not become ready within 30 s")

    def kill(self):
        """As when the power fails: the program learns nothing of it."""
        # An answer whose delivery is not written down yet would rightly be sent again; here each is to come once.
        self.until("SELECT COUNT(*) FROM outbox WHERE state IN ('held', 'sending')", [(0,)])
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.directory}/minhu.db?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()

    def until(self, sql, expected, within=60):
        end = time.monotonic() + within
        while (found := self.query(sql)) != expected:
            assert time.monotonic() < end, f"{sql}: {found}"
            time.sleep(0.1)

    def figures(self):
        """What Prometheus would read, by its own reader of the strict format: values by name and labels."""
        text = http("GET", f"http://127.0.0.1:{self.figures_port}/metrics")[1].decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value for sample in samples}

    def rows(self):
        """How many rows the tables hold that a message can add to."""
        tables = ("conversation", "seen", "ticket", "ticket_event", "outbox", "media", "fault", "account")
        return {table: self.query(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}


def play(minhu):
    inboxes = Inboxes()
    platforms = Platforms(inboxes)
    platforms.pictures["photo-1"] = platforms.pictures["photo-2"] = JPEG
    with tempfile.TemporaryDirectory() as name:
        server = Server(minhu, pathlib.Path(name), platforms)
        server.start()
        try:
            mp = WeChat(f"{server.hooks}/hook/mp", server.clock, inboxes, **MP)
            ding = DingTalk(f"{server.hooks}/hook/ding", server.clock, platforms.base, **DING)
            tickets = story(server, mp, ding, inboxes)
            [(number, state)] = tickets
            assert re.fullmatch(r"WY261123\d{4}", number) and state == "closed", tickets
            assert server.query("SELECT solved, value, contacted FROM rating") == [("yes", 5, "yes")]
            server.until("SELECT state, mime FROM media", [("ready", "image/jpeg")] * 2)
            assert server.rows()["fault"] == 0, server.query("SELECT why FROM fault")
            figures = server.figures()
            assert figures["minhu_database_up",] == 1 and figures["minhu_log_lines_lost_total",] == 0, figures
            done = figures["minhu_turns_total", "channel=mp", "outcome=done"]
            assert done > 0 and figures["minhu_turn_seconds_count", "channel=mp"] >= done, figures
            assert figures["minhu_hook_seconds_bucket", "channel=mp", "le=+Inf", "outcome=answered"] > 0, figures
            assert not platforms.unexpected, f"calls that the platforms do not have: {platforms.unexpected}"
            print(f"{number}: reported, dispatched, signed, done, passed, rated; killed twice on the way")
        finally:
            server.stop()
        assert server.process.returncode == 0, f"minhu ended with {server.process.returncode}"


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
