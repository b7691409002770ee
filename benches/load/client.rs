//! The villagers: many keep-alive connections, each going through one report after the other.

use crate::envelope::{APP_ID, Envelope, ORIGINAL, element, sign, unwrap};
use minhu::clock::{Clock, SECOND};
use std::{
    collections::VecDeque,
    fmt::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What is said in a report up to the moment before 提交, and words of the question that must follow.
const STEPS: [(&str, &str); 6] = [
    ("我要反映", "是哪个村的？"),
    ("{village}", "出了什么事？"),
    ("{matter}", "请看对不对"),
    ("换成实名或匿名", "谁能知道是您？"),
    ("2", "留个手机号"),
    ("不留", "请看对不对"),
];
/// The last step.
const SUBMIT: (&str, &str) = ("提交", "收到了，编号");

/// What the villagers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// They say the words of reports and expect them back.
    Echo,
    /// They answer every question of a report but do not submit it; new reports until the time is up.
    Turns,
    /// They submit what waits for it, until nothing waits or the time is up.
    Submit,
    /// Whole reports, each submitted.
    Whole,
}

/// What all connections share.
pub struct World {
    villages: Vec<String>,
    clock: Clock,
    arrived: Box<dyn Fn(&str) + Send + Sync>,
    next_sender: AtomicU64,
    next_message: AtomicU64,
}

impl World {
    /// A county of these villages, by names that are understood at once. `arrived` is told of every new sender, so that the
    /// platform's fake lets messages to them through.
    pub fn new(villages: Vec<String>, clock: Clock, arrived: impl Fn(&str) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(World {
            villages,
            clock,
            arrived: Box::new(arrived),
            next_sender: AtomicU64::new(1),
            next_message: AtomicU64::new(24_000_000_000_000_000),
        })
    }
}

/// One connection and those who speak through it.
pub struct Connection {
    world: Arc<World>,
    envelope: Envelope,
    address: SocketAddr,
    /// Which replica this is, of how many: a person always reaches the same.
    replica: (usize, usize),
    stream: Option<TcpStream>,
    random: u64,
    /// Senders whose reports wait for 提交.
    ready: VecDeque<String>,
    head: String,
    body: String,
    buffer: Vec<u8>,
}

/// What a connection came to.
#[derive(Debug, Default)]
pub struct Count {
    /// Messages that were answered as expected.
    pub turns: u64,
    /// Reports that were submitted.
    pub submits: u64,
    /// Messages that were not answered or wrongly.
    pub errors: u64,
    /// The first of the errors.
    pub first_error: Option<String>,
    /// Senders who got as far as their first answer.
    pub senders: u64,
    /// Microseconds from sending to the whole answer.
    pub latencies: Vec<u32>,
}

impl Count {
    /// Both together.
    pub fn add(&mut self, other: Count) {
        self.turns += other.turns;
        self.submits += other.submits;
        self.errors += other.errors;
        self.senders += other.senders;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latencies.extend(other.latencies);
    }

    /// The latency below which this share of the answers stayed, in milliseconds.
    pub fn percentile(&mut self, share: f64) -> f64 {
        self.latencies.sort_unstable();
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }
}

impl Connection {
    /// A connection that is opened with its first message.
    pub fn new(world: Arc<World>, address: SocketAddr, seed: u64) -> Self {
        Connection {
            world,
            envelope: Envelope::new(),
            address,
            replica: (0, 1),
            stream: None,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            ready: VecDeque::new(),
            head: String::new(),
            body: String::new(),
            buffer: Vec::with_capacity(4_096),
        }
    }

    /// Leads to another server; what waits here for 提交 is forgotten.
    pub fn lead_to(&mut self, address: SocketAddr, replica: (usize, usize)) {
        (self.address, self.replica) = (address, replica);
        self.stream = None;
        self.ready.clear();
    }

    /// Works until it is told to stop.
    pub async fn work(&mut self, task: Task, stop: &AtomicBool) -> Count {
        // It belongs to the runtime of the task before.
        self.stream = None;
        let mut count = Count::default();
        while !stop.load(Ordering::Relaxed) {
            let done = match task {
                Task::Submit => {
                    let Some(sender) = self.ready.pop_front() else { break };
                    self.submit(&sender, &mut count).await
                }
                Task::Echo | Task::Turns | Task::Whole => self.report(task, stop, &mut count).await,
            };
            if let Err(error) = done {
                count.errors += 1;
                count.first_error.get_or_insert(error);
                self.stream = None;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        count
    }

    async fn submit(&mut self, sender: &str, count: &mut Count) -> Result<(), String> {
        let (words, expected) = SUBMIT;
        self.say(sender, words, expected, count).await?;
        count.submits += 1;
        Ok(())
    }

    async fn report(&mut self, task: Task, stop: &AtomicBool, count: &mut Count) -> Result<(), String> {
        let sender = self.somebody();
        if task != Task::Echo {
            (self.world.arrived)(&sender);
        }
        for (place, (words, expected)) in STEPS.into_iter().enumerate() {
            // What has begun is finished when it is to be submitted at once.
            if stop.load(Ordering::Relaxed) && task != Task::Whole {
                return Ok(());
            }
            let words = match words {
                "{village}" => self.village(),
                "{matter}" => self.matter(),
                words => words.to_owned(),
            };
            let expected = if task == Task::Echo { words.as_str() } else { expected };
            self.say(&sender, &words, expected, count).await?;
            count.senders += u64::from(place == 0);
        }
        match task {
            Task::Turns => self.ready.push_back(sender),
            Task::Whole => self.submit(&sender, count).await?,
            Task::Echo | Task::Submit => {}
        }
        Ok(())
    }

    /// Says something and waits for the answer, which must hold `expected`.
    async fn say(&mut self, sender: &str, words: &str, expected: &str, count: &mut Count) -> Result<(), String> {
        self.write(sender, words);
        let begun = Instant::now();
        let body = self.exchange().await?;
        let micros = begun.elapsed().as_micros();
        let clear = unwrap(&self.envelope, &body)?;
        let answer = element(&clear, "Content").unwrap_or_default();
        if element(&clear, "ToUserName") != Some(sender) {
            return Err("an answer for somebody else".into());
        }
        if !answer.contains(expected) {
            return Err(format!("after “{words}” came “{answer}”, not “{expected}”"));
        }
        count.turns += 1;
        count.latencies.push(micros as u32);
        Ok(())
    }

    /// The request, signed and sealed now.
    fn write(&mut self, sender: &str, words: &str) {
        let time = (self.world.clock.now() / SECOND).to_string();
        let message = self.world.next_message.fetch_add(1, Ordering::Relaxed);
        let clear = format!(
            "<xml><ToUserName><![CDATA[{ORIGINAL}]]></ToUserName>\n<FromUserName><![CDATA[{sender}]]></FromUserName>\n<CreateTime>{time}</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[{words}]]></Content>\n<MsgId>{message}</MsgId>\n</xml>"
        );
        let random = (u128::from(self.number()) << 64 | u128::from(self.number())).to_le_bytes();
        let sealed = self.envelope.seal(&clear, random);
        let nonce = (self.number() % 1_000_000_000).to_string();
        let signature = sign(&time, &nonce, None);
        let msg_signature = sign(&time, &nonce, Some(&sealed));
        self.body.clear();
        let _ = write!(
            self.body,
            "<xml>\n    <ToUserName><![CDATA[{ORIGINAL}]]></ToUserName>\n    <Encrypt><![CDATA[{sealed}]]></Encrypt>\n</xml>"
        );
        self.head.clear();
        let _ = write!(
            self.head,
            "POST /hook/mp?signature={signature}&timestamp={time}&nonce={nonce}&openid={sender}&encrypt_type=aes&msg_signature={msg_signature} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{}",
            self.address,
            self.body.len(),
            self.body
        );
    }

    async fn exchange(&mut self) -> Result<String, String> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.map_err(|error| format!("no connection: {error}"))?;
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
            self.stream = Some(stream);
        }
        let Some(stream) = &mut self.stream else { return Err("no connection".into()) };
        stream.write_all(self.head.as_bytes()).await.map_err(|error| format!("not sent: {error}"))?;
        self.buffer.clear();
        loop {
            let read = stream.read_buf(&mut self.buffer).await.map_err(|error| format!("not read: {error}"))?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            if let Some(body) = response(&self.buffer)? {
                return String::from_utf8(self.buffer[body].to_vec()).map_err(|_| "not UTF-8".to_owned());
            }
        }
    }

    /// A new sender who belongs to this connection's replica.
    fn somebody(&mut self) -> String {
        loop {
            let number = self.world.next_sender.fetch_add(1, Ordering::Relaxed);
            let sender = format!("oLoad{APP_ID:.4}{number:019}");
            let hash = sender
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
            if (hash >> 32) as usize % self.replica.1 == self.replica.0 {
                return sender;
            }
        }
    }

    fn village(&mut self) -> String {
        let at = self.number() as usize % self.world.villages.len();
        self.world.villages[at].clone()
    }

    /// Thirty characters that resemble no other matter.
    fn matter(&mut self) -> String {
        const LETTERS: &str = "春夏秋冬东西南北山川河湖江海云雨风雪松竹梅兰桃李杏枣桥墙门窗灯凳桌椅碗筷锅盆红黄蓝白黑青紫绿大小长短高低远近前后左右天地日月星早晚今明年岁甲乙丙丁戊己庚辛壬癸";
        let letters: Vec<char> = LETTERS.chars().collect();
        let mut words = String::from("我家门口");
        for _ in 0..26 {
            words.push(letters[self.number() as usize % letters.len()]);
        }
        words
    }

    fn number(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }
}

/// Where the body lies, once all of it is there.
fn response(bytes: &[u8]) -> Result<Option<std::ops::Range<usize>>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "not HTTP".to_owned())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let length = lines
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .ok_or_else(|| format!("an answer without a length: {status}"))?;
    let body = end + 4..end + 4 + length;
    if bytes.len() < body.end {
        return Ok(None);
    }
    if !status.starts_with("HTTP/1.1 200") {
        return Err(format!("answered with {status}"));
    }
    Ok(Some(body))
}
