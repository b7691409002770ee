//! People at work: citizens report in WeChat and add to it, staff assign and take notes in DingTalk. Each waits for the answer to
//! one message before the next; the platforms bring again what was not acknowledged. The book keeps what was said.

use crate::{
    dingtalk::{self, Chat},
    town::{CITIZENS, DISPATCHERS, LIAISONS, Town},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// WeChat brings a message three times; DingTalk does not say how often, but more than once.
const TRIES: u32 = 3;
/// Between two tries, at most: five seconds in truth.
const BETWEEN: u64 = 1_500;
/// One try in so many is not waited for: the answer is lost on the way, and the message comes again.
const HANGS_UP: u64 = 12;
/// Villages kept for the proof at the end that everybody can still report.
const RESERVE: usize = CITIZENS;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Never sent.
    Unsaid,
    /// The platform gave up: its effect may be there or not.
    Unknown,
    /// Acknowledged: its effect is there.
    Acknowledged,
}

/// What carries a unique number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A report; the number stands in its words.
    Report,
    /// What the reporter adds.
    Add,
    /// A note that the reporter may read.
    Note,
    /// Words passed on to the reporter.
    Relay,
}

impl Kind {
    /// The event it becomes.
    pub fn command(self) -> &'static str {
        match self {
            Kind::Report => "report",
            Kind::Add => "add",
            Kind::Note => "note",
            Kind::Relay => "relay",
        }
    }
}

/// A unique number: what carried it, and what became of that.
#[derive(Debug, Clone)]
pub struct Mark {
    pub kind: Kind,
    pub fate: Fate,
    /// Whom the words are passed on to.
    pub reader: Option<Citizen>,
}

/// How many messages of one sender were …
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// … acknowledged,
    pub acknowledged: u64,
    /// … given up by the platform,
    pub given_up: u64,
    /// … given up by the platform after it had hung up: an answer may have been on its way.
    pub unheard: u64,
}

/// What was said and heard.
#[derive(Default)]
pub struct Book {
    marks: Mutex<HashMap<u64, Mark>>,
    /// Answers that came in HTTP responses, by openid and words.
    heard: Mutex<HashMap<(String, String), u64>>,
    said: Mutex<HashMap<String, Sender>>,
    pub brought_again: AtomicU64,
}

impl Book {
    fn open(&self, number: u64, kind: Kind, reader: Option<Citizen>) {
        self.marks.lock().unwrap().insert(number, Mark { kind, fate: Fate::Unsaid, reader });
    }

    fn close(&self, number: u64, fate: Fate) {
        self.marks.lock().unwrap().get_mut(&number).unwrap().fate = fate;
    }

    pub fn marks(&self) -> HashMap<u64, Mark> {
        self.marks.lock().unwrap().clone()
    }

    pub fn heard(&self) -> HashMap<(String, String), u64> {
        self.heard.lock().unwrap().clone()
    }

    pub fn acknowledged(&self) -> u64 {
        self.said.lock().unwrap().values().map(|sender| sender.acknowledged).sum()
    }

    pub fn said(&self) -> HashMap<String, Sender> {
        self.said.lock().unwrap().clone()
    }
}

/// Words that carry a number where nothing takes it for a telephone or a house.
pub fn marked(number: u64) -> String {
    format!("记{number}完")
}

/// The numbers that stand in a text.
pub fn marks_in(text: &str) -> Vec<u64> {
    text.split('记').skip(1).filter_map(|rest| rest.split_once('完')?.0.parse().ok()).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Citizen(pub usize);

impl Citizen {
    pub fn openid(self) -> String {
        format!("oCrash{:022}", self.0)
    }
}

/// What a message came to.
enum Said {
    /// The platform gave up.
    Nothing,
    /// Taken; the words of the answer where it came in time.
    Taken(Option<String>),
}

impl Said {
    fn fate(&self) -> Fate {
        match self {
            Said::Nothing => Fate::Unknown,
            Said::Taken(_) => Fate::Acknowledged,
        }
    }
}

/// Brings a callback until it is acknowledged; gives the body of the answer.
async fn deliver(
    town: &Town,
    whom: &str,
    hook: &str,
    prepare: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Option<String> {
    let mut answer = None;
    let mut hung_up = false;
    for one in 0..TRIES {
        if one > 0 {
            town.book.brought_again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(town.chance.millis(BETWEEN)).await;
        }
        for address in town.machines.addresses(whom) {
            let sending = prepare(town.http.post(format!("{address}{hook}"))).send();
            let sent = if one + 1 < TRIES && town.chance.below(HANGS_UP) == 0 {
                let Ok(sent) = tokio::time::timeout(town.chance.millis(60), sending).await else {
                    hung_up = true;
                    break;
                };
                sent
            } else {
                sending.await
            };
            match sent {
                // A proxy goes on to the next only where nobody listens.
                Err(error) if error.is_connect() => continue,
                Err(_) => {}
                Ok(response) if response.status().is_success() => answer = response.text().await.ok(),
                Ok(response) => {
                    let status = response.status().as_u16();
                    assert_eq!(status, 503, "the hook refused a good message: {status}");
                }
            }
            break;
        }
        if answer.is_some() {
            break;
        }
    }
    let mut said = town.book.said.lock().unwrap();
    let said = said.entry(whom.to_owned()).or_default();
    match &answer {
        Some(_) => said.acknowledged += 1,
        None => said.given_up += 1,
    }
    said.unheard += u64::from(answer.is_none() && hung_up);
    answer
}

async fn write(town: &Town, who: Citizen, words: &str) -> Said {
    let _speaking = town.speaking.read().await;
    let (openid, now) = (who.openid(), town.clock.now());
    let id = 7_300_000_000_000_000_000 + town.new_number();
    let (query, body) = town.account.text(&openid, words, now / 1_000, id);
    town.wechat.allow(&openid, now);
    let hook = format!("/hook/mp?{query}");
    match deliver(town, &openid, &hook, |request| request.body(body.clone())).await {
        None => Said::Nothing,
        Some(answer) => {
            let reply = Some(town.account.open_reply(&answer)).filter(|words| !words.is_empty());
            if let Some(words) = &reply {
                *town.book.heard.lock().unwrap().entry((openid, words.clone())).or_default() += 1;
            }
            Said::Taken(reply)
        }
    }
}

/// A message of staff in the private chat.
async fn command(town: &Town, staff: &str, words: &str) -> Said {
    let _speaking = town.speaking.read().await;
    let id = format!("msgCrash{:08}==", town.new_number());
    let post = town.ding.message(staff, &Chat::Private, dingtalk::text(words), &id, town.clock.now());
    let prepare = |request: reqwest::RequestBuilder| request.headers(post.headers.clone()).body(post.body.clone());
    match deliver(town, staff, "/hook/ding", prepare).await {
        None => Said::Nothing,
        Some(_) => Said::Taken(None),
    }
}

/// Says it again, as a new message, until it is acknowledged: for what has its effect once however often it is said.
async fn insist(town: &Town, staff: &str, words: &str) {
    while matches!(command(town, staff, words).await, Said::Nothing) {}
}

/// The end of a dialog's message.
enum Step {
    /// As it should be; the answer where it came in time.
    On(Option<String>),
    /// The platform gave up: nobody knows where the dialog stands.
    Lost,
}

/// A message whose answer must hold these words: a dialog that took one step too many or too few says something else.
async fn step(town: &Town, who: Citizen, words: &str, expected: &str) -> Step {
    match write(town, who, words).await {
        Said::Nothing => Step::Lost,
        Said::Taken(Some(answer)) => {
            assert!(answer.contains(expected), "{who:?} said {words} and was answered, where {expected} was expected:\n{answer}");
            Step::On(Some(answer))
        }
        Said::Taken(None) => Step::On(None),
    }
}

/// The questions of a report up to its confirmation; `None` when it was lost on the way.
async fn tell(town: &Town, who: Citizen, village: &str, words: &str) -> Option<()> {
    for (words, expected) in [("我要反映", "是哪个村的"), (village, "出了什么事"), (words, "请看对不对")] {
        if let Step::Lost = step(town, who, words, expected).await {
            give_up(town, who).await;
            return None;
        }
    }
    Some(())
}

/// Leaves whatever dialog there may be.
async fn give_up(town: &Town, who: Citizen) {
    while matches!(write(town, who, "取消").await, Said::Nothing) {}
}

/// A whole report; gives its number where the answer said it.
async fn report(town: &Town, who: Citizen, village: &str) -> Option<String> {
    let number = town.new_number();
    town.book.open(number, Kind::Report, None);
    tell(town, who, village, &format!("夜里有人打井抽水卖，{}", marked(number))).await?;
    match step(town, who, "提交", "收到了，编号").await {
        Step::Lost => {
            town.book.close(number, Fate::Unknown);
            give_up(town, who).await;
            None
        }
        Step::On(answer) => {
            town.book.close(number, Fate::Acknowledged);
            let answer = answer?;
            let digits = answer.split("编号").nth(1)?.trim_start().chars().take_while(char::is_ascii_digit);
            Some(digits.collect())
        }
    }
}

/// A report that is not handed in: four steps and no effect.
async fn change_of_mind(town: &Town, who: Citizen) {
    let number = town.new_number();
    town.book.open(number, Kind::Report, None);
    if tell(town, who, "前观津村民委员会", &format!("路灯不亮了，{}", marked(number))).await.is_some() {
        give_up(town, who).await;
    }
}

async fn add(town: &Town, who: Citizen, ticket: &str) {
    let number = town.new_number();
    town.book.open(number, Kind::Add, None);
    let said = write(town, who, &format!("补充 {ticket} 昨天又抽了，{}", marked(number))).await;
    if let Said::Taken(Some(answer)) = &said {
        assert!(answer.contains("记下了"), "{answer}");
    }
    town.book.close(number, said.fate());
}

/// Something the desk is asked to do with a ticket.
struct Job {
    ticket: String,
    reader: Citizen,
    done: oneshot::Sender<()>,
}

type Desk = mpsc::UnboundedSender<Job>;
type Work = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>>;

async fn ask(desk: &Desk, ticket: &str, reader: Citizen) {
    let (done, wait) = oneshot::channel();
    desk.send(Job { ticket: ticket.to_owned(), reader, done }).ok().unwrap();
    wait.await.unwrap();
}

async fn assign(town: &Town, staff: &str, job: &Job) {
    insist(town, staff, &format!("派单 {} 水务局", job.ticket)).await;
}

async fn handle(town: &Town, staff: &str, job: &Job, first: bool) {
    if first {
        insist(town, staff, &format!("签收 {}", job.ticket)).await;
    }
    let number = town.new_number();
    let (kind, head) = if number.is_multiple_of(3) { (Kind::Relay, "转告") } else { (Kind::Note, "进展") };
    let public = if kind == Kind::Note { "公开 " } else { "" };
    town.book.open(number, kind, Some(job.reader));
    let said = command(town, staff, &format!("{head} {} {public}我们的人到井边看过了，{}", job.ticket, marked(number))).await;
    town.book.close(number, said.fate());
}

async fn citizen(town: Arc<Town>, who: Citizen, dispatchers: Desk, first: Desk, later: Desk) {
    let closing = || town.closing.load(Ordering::Relaxed);
    let mut tickets = Vec::new();
    while !closing() {
        if let Some(village) = town.new_village(RESERVE)
            && let Some(ticket) = report(&town, who, &village).await
        {
            ask(&dispatchers, &ticket, who).await;
            ask(&first, &ticket, who).await;
            tickets.push(ticket);
        }
        for _ in 0..4 {
            if closing() {
                break;
            }
            match tickets.last() {
                Some(ticket) if town.chance.below(4) > 0 => {
                    add(&town, who, ticket).await;
                    ask(&later, ticket, who).await;
                }
                _ => change_of_mind(&town, who).await,
            }
        }
    }
}

pub type AtWork = Vec<JoinHandle<()>>;

/// Everybody begins.
pub fn go_to_work(town: &Arc<Town>) -> AtWork {
    let desk = |staff: Vec<String>, first: Option<bool>| {
        let (desk, work) = mpsc::unbounded_channel::<Job>();
        let work: Work = Arc::new(tokio::sync::Mutex::new(work));
        for id in staff {
            let (town, work) = (town.clone(), work.clone());
            tokio::spawn(async move {
                loop {
                    let Some(job) = work.lock().await.recv().await else { return };
                    match first {
                        None => assign(&town, &id, &job).await,
                        Some(first) => handle(&town, &id, &job, first).await,
                    }
                    let _ = job.done.send(());
                }
            });
        }
        desk
    };
    let liaisons = |half: usize| (0..LIAISONS).filter(move |n| n % 2 == half).map(|n| format!("l{n}")).collect();
    let dispatchers = desk((0..DISPATCHERS).map(|n| format!("d{n}")).collect(), None);
    let (first, later) = (desk(liaisons(0), Some(true)), desk(liaisons(1), Some(false)));
    Town::citizens()
        .map(|who| tokio::spawn(citizen(town.clone(), who, dispatchers.clone(), first.clone(), later.clone())))
        .collect()
}

/// Everybody finishes what is in hand.
pub async fn call_it_a_day(town: &Town, at_work: AtWork) {
    town.closing.store(true, Ordering::Relaxed);
    for one in at_work {
        if let Err(failed) = one.await {
            panic!("{failed}\n{}", town.machines.last_words());
        }
    }
}

/// Afterwards everybody can report, and everybody in office can give a command: all of it is in the book.
pub async fn prove_that_nobody_is_stuck(town: &Arc<Town>) {
    let reports = Town::citizens().map(|who| async move {
        let village = town.new_village(0).expect("villages are kept for this");
        let ticket = report(town, who, &village).await;
        (who, ticket.unwrap_or_else(|| panic!("{who:?} cannot report any more")))
    });
    let reported = futures_util::future::join_all(reports).await;
    let work = |staff: usize| {
        let mine: Vec<_> = reported.iter().skip(staff).step_by(LIAISONS).cloned().collect();
        async move {
            for (reader, ticket) in mine {
                let job = Job { ticket, reader, done: oneshot::channel().0 };
                assign(town, &format!("d{}", staff % DISPATCHERS), &job).await;
                handle(town, &format!("l{staff}"), &job, true).await;
            }
        }
    };
    futures_util::future::join_all((0..LIAISONS).map(work)).await;
}

/// Everybody says a word, so that what was kept for them can go.
pub async fn greet(town: &Town) {
    futures_util::future::join_all(Town::citizens().map(|who| write(town, who, "我的"))).await;
}
