//! The application of the framework: who acts, which dialogs and commands there are.

use super::staff;
use crate::{
    bot::{
        self, App, Form, Opening, Parsed, Resolved, Submitted, Turn,
        dialog::{Answers, Dialog, Dialogs, Item, Known, Query, Value},
    },
    channels::{Ability, Channel, Outcome},
    config::read::Problem,
    db::Tx,
    error::{Error, Result},
    message::{Address, Millis, Said, Update},
    outbox::Target,
    people::{self, Actor, Office, Role, Scope},
    seal::Keys,
    tickets::{self, commands, desk, group, life, lists, opening, proposed, refs, sources, words},
};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError, RwLock},
};

/// All commands, in the order in which help lists them.
pub static FORMS: LazyLock<Vec<&'static Form>> = LazyLock::new(|| {
    [&bot::HELP].into_iter().chain(commands::FORMS.iter().copied()).chain(people::desk::FORMS.iter().copied()).collect()
});

/// What features register for the dialog files.
pub fn known(
    use_with: impl FnOnce(&Known<'_>) -> std::result::Result<Dialogs, Vec<Problem>>,
) -> std::result::Result<Dialogs, Vec<Problem>> {
    let actions: Vec<&str> = desk::ACTIONS.iter().chain(people::desk::ACTIONS).copied().collect();
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    use_with(&Known {
        actions: &actions,
        sources: &[
            "areas",
            "tickets",
            "units",
            "handlers",
            "chat_groups",
            "checkers",
            "leaders",
            "fields",
            "deputies",
            "suggestions",
            "suggestion_moves",
            "same",
            "staff",
            "liaisons",
        ],
        rules: &[
            ("finish_result", desk::finish_result),
            ("matters", desk::matters_rule),
            ("unreasonable_claim", desk::unreasonable_claim),
            ("demand", desk::demand),
        ],
        roles: &roles,
    })
}

/// The dialogs of a folder, or the built-in ones.
///
/// # Errors
/// Every problem of the files, one a line.
pub fn dialogs(folder: Option<&Path>) -> Result<Arc<Dialogs>> {
    let folder = folder.filter(|folder| folder.is_dir());
    let files = match folder {
        Some(folder) => read_folder(folder, folder)?,
        None => Dialogs::builtin_files(),
    };
    // Files call each other by their names in the folder; whoever is to mend one wants its path.
    let here = folder.unwrap_or(Path::new("dialogs"));
    let named = |problem: Problem| Problem { file: here.join(&problem.file).display().to_string(), ..problem };
    known(|known| Dialogs::load(&files, known))
        .map(Arc::new)
        .map_err(|problems| super::listed(problems.into_iter().map(named).collect()))
}

fn read_folder(root: &Path, folder: &Path) -> Result<Vec<(String, String)>> {
    let unreadable = |error: std::io::Error| Error::user(format!("{}: 读不到：{error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            files.extend(read_folder(root, &path)?);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            files.push((name, std::fs::read_to_string(&path).map_err(unreadable)?));
        }
    }
    files.sort();
    Ok(files)
}

/// The application.
pub struct House {
    office: RwLock<Arc<Office>>,
    keys: Keys,
    channels: Arc<HashMap<String, Channel>>,
    /// Channels on which nothing can be sent before somebody acts, with the reason.
    halted: Mutex<BTreeMap<String, &'static str>>,
}

impl House {
    /// A house with its office and channels.
    pub fn new(office: Office, channels: HashMap<String, Channel>) -> Self {
        House {
            keys: office.keys.clone(),
            office: RwLock::new(Arc::new(office)),
            channels: Arc::new(channels),
            halted: Mutex::default(),
        }
    }

    /// The office as it is now.
    pub fn office(&self) -> Arc<Office> {
        self.office.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a new picture of the organisation, or new dialogs, in force.
    pub fn replace(&self, office: Office) {
        *self.office.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(office);
    }

    /// Takes in a change of the organisation before anybody acts: whoever lost a right cannot use it in the next message.
    async fn keep_up(&self, tx: &mut Tx, now: Millis) -> Result<()> {
        let version = people::store::version(tx.conn()).await?;
        let office = self.office();
        if !office.directory.is_current(version, now) {
            let directory = Arc::new(people::store::load(tx.conn(), now).await?);
            self.replace(Office { directory, keys: office.keys.clone(), dialogs: office.dialogs.clone() });
        }
        Ok(())
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The channels by id.
    pub fn channels(&self) -> &Arc<HashMap<String, Channel>> {
        &self.channels
    }

    /// Takes down how a call to a platform went: `None` is well. Trouble that passes by itself says nothing about the channel.
    pub(super) fn note(&self, channel: &str, outcome: Option<&Outcome>) {
        let mut halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Some(Outcome::Halted(_, why)) => _ = halted.insert(channel.to_owned(), why),
            None | Some(Outcome::Sent(_)) => _ = halted.remove(channel),
            Some(
                Outcome::Later(..)
                | Outcome::Down(_)
                | Outcome::Unknown(_)
                | Outcome::Closed(_)
                | Outcome::Gone(_)
                | Outcome::Refused(_),
            ) => {}
        }
    }

    /// Channels on which nothing can be sent before somebody acts, with the reason.
    pub fn halted(&self) -> Vec<(String, &'static str)> {
        let halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        halted.iter().map(|(channel, why)| (channel.clone(), *why)).collect()
    }

    /// May this person use a command about tickets anywhere?
    fn may_use(actor: &Actor, form: &Form) -> bool {
        let holds = |who: &life::Who| match who {
            life::Who::Anybody | life::Who::Reporter => true,
            life::Who::Itself | life::Who::Clock => false,
            life::Who::CoLiaison => actor.has(Role::Liaison) || actor.has(Role::UnitLeader),
            life::Who::ChosenDeputy => actor.has(Role::Deputy) || actor.has(Role::StationKeeper),
            life::Who::StaffInScope => actor.is_staff(),
            life::Who::Holder(role) => Self::holds_anywhere(actor, *role),
            life::Who::OnlyHolder(role) => actor.own_grants().iter().any(|grant| grant.role == *role),
            life::Who::IntakeAndDispatcher => actor.has(Role::Intake) && actor.has(Role::Dispatcher),
            life::Who::Arbiter => {
                let above = |area: &str| area.len() < people::Level::County.digits();
                actor.grants().iter().any(|grant| grant.role == Role::Dispatcher && above(&grant.area))
                    || Self::holds_anywhere(actor, Role::NpcStaff)
            }
        };
        let verb = match form.alias {
            "mine" | "human" => return true,
            "report_for" => return actor.is_staff(),
            "looks" => return actor.has(Role::Inspector),
            "my_group" => return actor.has(Role::Deputy) || actor.has(Role::GroupLead),
            "my_suggestions" => return actor.has(Role::Deputy),
            "suggestions" => return Self::holds_anywhere(actor, Role::NpcStaff),
            "try" => return actor.has(Role::Dispatcher) || actor.has(Role::Admin),
            "sign_all" => life::Verb::Sign,
            "to_call" => life::Verb::Callback,
            "to_accept" => life::Verb::Accept,
            "to_assign" | "assign_all" => life::Verb::Assign,
            "to_sign" => life::Verb::Sign,
            "todo" => life::Verb::Done,
            "to_review" => {
                return Self::may_use(actor, commands::form("signoff")) || Self::may_use(actor, commands::form("pass"));
            }
            alias => match life::Verb::from_code(alias) {
                Some(verb) => verb,
                None => return false,
            },
        };
        life::rows_of(verb).flat_map(|row| row.who).any(holds) || (actor.has(Role::Inspector) && life::on_sealed(verb))
    }

    /// Does this person do a role's work anywhere, as its holder or by the stand-in rule?
    fn holds_anywhere(actor: &Actor, role: Role) -> bool {
        actor.grants().iter().any(|grant| {
            let of_unit = grant.unit.as_deref().and_then(|unit| actor.directory().unit(unit));
            let area = if grant.area.is_empty() { of_unit.map_or("", |unit| unit.area.as_str()) } else { &grant.area };
            actor.may_act_as(role, Scope { area, unit: grant.unit.as_deref(), field: grant.field.as_deref() })
        })
    }
}

impl App for House {
    type Actor = Actor;

    async fn actors(&self, tx: &mut Tx, from: &[&Address], now: Millis) -> Result<Vec<Actor>> {
        let hashes: Vec<String> =
            from.iter().map(|from| people::store::account_hash(&self.keys, &from.channel, &from.account)).collect();
        let mut wanted = hashes.clone();
        wanted.sort();
        wanted.dedup();
        let kind = tx.kind();
        let mut known = people::store::accounts_by_hash(tx.conn(), kind, &wanted).await?;
        let mut new: Vec<(String, (String, String))> = Vec::new();
        for (hash, from) in hashes.iter().zip(from) {
            if !known.contains_key(hash) && !new.iter().any(|(other, _)| other == hash) {
                new.push((hash.clone(), (from.channel.clone(), from.account.clone())));
            }
        }
        if !new.is_empty() {
            let accounts: Vec<(String, String)> = new.iter().map(|(_, account)| account.clone()).collect();
            let ids = people::store::add_citizens(tx, &self.keys, &accounts, now).await?;
            known.extend(new.into_iter().map(|(hash, _)| hash).zip(ids.into_iter().map(|person| (person, now))));
        }
        // The last contact is kept by the hour, so that it costs nothing while people talk.
        wanted.retain(|hash| known.get(hash).is_some_and(|(_, at)| *at < now - crate::clock::HOUR));
        people::store::touch(tx, &wanted, now).await?;
        self.keep_up(tx, now).await?;
        let office = self.office();
        hashes
            .iter()
            .zip(from)
            .map(|(hash, from)| {
                let person =
                    known.get(hash).map(|(person, _)| *person).ok_or_else(|| Error::fault("an account has no person"))?;
                Ok(Actor { person, address: (*from).clone(), office: office.clone() })
            })
            .collect()
    }

    fn ability(&self, channel: &str) -> Ability {
        self.channels.get(channel).map_or(crate::channels::simulator::ABILITY, Channel::ability)
    }

    fn window(&self, update: &Update) -> Option<(u32, Millis)> {
        self.channels.get(&update.from.channel)?.window(&update.content)
    }

    fn dialogs(&self) -> Arc<Dialogs> {
        self.office().dialogs.clone()
    }

    fn forms(&self) -> &[&'static Form] {
        &FORMS
    }

    fn may(&self, actor: &Actor, form: &Form) -> bool {
        if form == &bot::HELP {
            return true;
        }
        if people::desk::FORMS.contains(&form) {
            return people::desk::may(actor, form);
        }
        Self::may_use(actor, form)
    }

    fn refusal(&self, actor: &Actor, form: &Form) -> Option<String> {
        // A leader's “同意” means the result; a citizen has nothing of the kind to agree to.
        let agrees = actor.is_staff() && matches!(form.alias, "agree" | "disagree");
        let words = if agrees { tickets::wording::nothing_for } else { tickets::wording::not_allowed };
        (!self.may(actor, form)).then(|| words(form.word))
    }

    fn may_start(&self, actor: &Actor, dialog: &Dialog) -> bool {
        let role = |name: &String| Role::parse(name);
        // Without anybody to read it the way leads outside, see `opening`.
        if dialog.id == "accuse" && desk::nobody_inspects(actor.directory()) {
            return false;
        }
        dialog.roles.is_empty() || dialog.roles.iter().filter_map(role).any(|role| role == Role::Citizen || actor.has(role))
    }

    fn private(&self, dialog: &Dialog) -> bool {
        matches!(
            dialog.id.as_str(),
            "report"
                | "report_for"
                | "report_more"
                | "find_deputy"
                | "same"
                | "accuse"
                | "human"
                | "details"
                | "bind"
                | "rate"
                | "add"
                | "finish"
        )
    }

    async fn items(&self, turn: &mut Turn<'_, Actor>, query: &Query) -> Result<Vec<Item>> {
        let param = |name: &str| query.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match query.source.as_str() {
            "areas" => Ok(people::desk::places(&turn.actor, query)),
            "tickets" => {
                let found = sources::candidates(turn, param("verb").unwrap_or_default()).await?;
                Ok(sources::items_of(&found, turn))
            }
            "units" => {
                let ticket = ticket_of(turn, param("ticket")).await?;
                Ok(sources::units(&turn.actor, ticket.as_ref(), param("above").is_some()))
            }
            "handlers" => {
                // Of several tickets the first one's: whoever may not have another is refused there.
                let ticket = ticket_of(turn, param("ticket")).await?;
                Ok(ticket.map(|ticket| sources::colleagues(&turn.actor, &ticket)).unwrap_or_default())
            }
            "chat_groups" => Ok(people::desk::unbound_groups(&turn.actor)),
            "checkers" => match ticket_of(turn, param("ticket")).await? {
                Some(ticket) => desk::checkers(turn, &ticket).await,
                None => Ok(Vec::new()),
            },
            "deputies" => Ok(group::deputies(&turn.actor, param("area").unwrap_or_default())),
            "suggestions" => desk::suggestion_choices(turn).await,
            "suggestion_moves" => desk::suggestion_moves(turn, param("suggestion").and_then(|id| id.parse().ok())).await,
            "leaders" => sources::leaders(turn, param("ticket").unwrap_or_default()).await,
            "fields" => Ok(sources::fields(&turn.actor)),
            "staff" => Ok(people::rights::staff(&turn.actor, param("name"))),
            "liaisons" => Ok(people::rights::liaisons(&turn.actor, param("unit").unwrap_or_default())),
            "same" => desk::same_items(turn, param("tickets").unwrap_or_default()).await,
            other => Err(Error::fault(format!("no source is called {other}"))),
        }
    }

    async fn resolve(&self, turn: &mut Turn<'_, Actor>, query: &Query, words: &str) -> Result<Option<Resolved>> {
        match query.source.as_str() {
            "tickets" => {}
            "units" if !words.is_empty() && query.params.iter().any(|(key, _)| key == "several") => {
                return Ok(Some(sources::units_named(turn.actor.directory(), words)));
            }
            "units" if !words.is_empty() => {
                let retired = sources::retired_unit(turn.actor.directory(), words);
                return Ok(retired.or_else(|| people::desk::unit_named(&turn.actor, words)));
            }
            "checkers" if !words.is_empty() => {
                let items = self.items(turn, query).await?;
                return Ok(group::unknown_checker(&items, words));
            }
            "suggestions" if !words.is_empty() => return desk::suggestion_named(turn, words).await.map(Some),
            "chat_groups" if !words.is_empty() => return Ok(people::desk::group_named(&turn.actor, words)),
            "staff" if !words.is_empty() => return Ok(people::rights::staff_named(&turn.actor, words)),
            _ => return Ok(None),
        }
        let verb = query.params.iter().find(|(key, _)| key == "verb").and_then(|(_, verb)| commands::verb_of_source(verb));
        let Some(verb) = verb else { return Ok(None) };
        if words.is_empty() {
            let candidates = refs::candidates(turn, verb).await?;
            if let [ticket] = &candidates[..]
                && let Some(sentence) = desk::in_vain(turn, verb, ticket).await?
            {
                return Ok(Some(Resolved::not(sentence)));
            }
            let only = (candidates.len() == 1).then(|| sources::value_of(&candidates, turn));
            return Ok(Some(Resolved { value: only, notes: Vec::new(), ask: true }));
        }
        let (found, mut wrong, several) = sources::resolve(turn, verb, words).await?;
        if found.is_empty() && several.is_empty() && verb == life::Verb::Status {
            // 查 with an eight-digit query code works for anybody.
            if let Some(sentence) = desk::by_query_code(turn, words).await? {
                return Ok(Some(Resolved::not(sentence)));
            }
        }
        if verb == life::Verb::Merge {
            // Which one leads depends on all of them: with one that is wrong nothing is merged.
            wrong.extend(sources::named_twice(words));
            if !wrong.is_empty() {
                return Ok(Some(Resolved { value: None, notes: wrong, ask: false }));
            }
        }
        if !several.is_empty() {
            wrong.push(tickets::wording::which_one());
            return Ok(Some(Resolved { value: None, notes: wrong, ask: true }));
        }
        if let [ticket] = &found[..]
            && let Some(sentence) = desk::in_vain(turn, verb, ticket).await?
        {
            return Ok(Some(Resolved::not(sentence)));
        }
        let value = (!found.is_empty()).then(|| sources::value_of(&found, turn));
        Ok(Some(Resolved { value, notes: wrong, ask: false }))
    }

    async fn brought(&self, turn: &mut Turn<'_, Actor>, dialog: &Dialog, answers: &Answers) -> Result<Answers> {
        match dialog.id.as_str() {
            "report" => Ok(desk::brought(turn, answers)),
            "assign" | "redispatch" | "arbitrate" => desk::unit_needs(turn, answers).await,
            "finish" => desk::finish_needs(turn, answers).await,
            "merge" => Ok(desk::merge_needs(answers)),
            "rate" => desk::rate_needs(turn, answers).await,
            "withdraw" => desk::withdraw_needs(turn, answers).await,
            "callback" => desk::callback_needs(turn, answers).await,
            "verify" => Ok(desk::verify_needs(turn, answers)),
            "to_suggestion" => desk::suggestion_draft(turn, answers).await,
            "report_more" => Ok(desk::more_needs(answers)),
            "disable" => staff::disable_needs(turn, answers).await,
            "replace" => staff::replace_needs(turn, answers).await,
            _ => Ok(Answers::new()),
        }
    }

    async fn submit(&self, turn: &mut Turn<'_, Actor>, action: &str, answers: &Answers) -> Result<Submitted> {
        match action.split_once('.') {
            Some(("tickets", action)) => desk::submit(turn, action, answers).await,
            Some(("people", "disable")) => staff::disable(turn, answers).await,
            Some(("people", "replace")) => staff::replace(turn, answers).await,
            Some(("people", action)) => people::desk::submit(turn, action, answers).await,
            _ => Err(Error::fault(format!("no action is called {action}"))),
        }
    }

    async fn direct(&self, turn: &mut Turn<'_, Actor>, parsed: &Parsed) -> Result<bool> {
        let form = parsed.form;
        let alone = parsed.given.is_empty() && parsed.left.is_none();
        if alone && form.alias == life::Verb::Status.code() && turn.said().is_none_or(|said| said.quote.is_none()) {
            return lists::mine(turn).await.map(|_| true);
        }
        if form.alias == life::Verb::Reveal.code() && turn.in_group() {
            turn.say(tickets::wording::secrecy::reveal_in_private());
            return Ok(true);
        }
        if alone && form.dialog == "suggestion" {
            return desk::my_suggestions(turn, form.alias == "suggestions").await.map(|()| true);
        }
        let filter = || parsed.given.iter().find(|(step, _)| *step == "filter").map_or("", |(_, words)| words.as_str());
        match form.dialog.strip_prefix("now.") {
            Some("undo") => desk::undo(turn).await.map(|()| true),
            Some("assign_all") => proposed::assign(turn, parsed).await.map(|()| true),
            Some("todo") => {
                lists::show_list(turn, "todo", filter()).await?;
                desk::helping(turn).await.map(|()| true)
            }
            Some(list) => lists::show_list(turn, list, filter()).await.map(|_| true),
            None if form.dialog == "mine" => lists::mine(turn).await.map(|_| true),
            None => people::desk::refuse_here(turn, form),
        }
    }

    async fn each(&self, turn: &mut Turn<'_, Actor>, action: &str, step: &str, answers: &Answers) -> Result<()> {
        match action {
            "tickets.rate_answer" => desk::rate_answer(turn, step, answers).await,
            "tickets.subject" => desk::subject_answer(turn, step, answers).await,
            other => Err(Error::fault(format!("no action for single answers is called {other}"))),
        }
    }

    async fn targets(&self, turn: &mut Turn<'_, Actor>) -> Result<Vec<Target>> {
        if turn.in_group() {
            // What waits for somebody as a reporter is asked and answered where nobody else reads it.
            return Ok(vec![Target::Person(turn.actor.person)]);
        }
        let holders = turn.actor.holders();
        let entries = tickets::store::entries_of(turn.tx, &holders).await?;
        let reporters = entries.into_iter().map(|entry| Target::Reporter(entry.id));
        Ok(std::iter::once(Target::Person(turn.actor.person)).chain(reporters).collect())
    }

    fn danger(&self, text: &str) -> Option<String> {
        words::danger(text).then(|| tickets::wording::emergency().to_owned())
    }

    fn is_small_talk(&self, text: &str) -> bool {
        words::small_talk(text).is_some()
    }

    fn begins_anew(&self, actor: &Actor, text: &str) -> bool {
        let village = |area: &people::Area| area.level() == people::Level::Village;
        text.chars().count() >= 8 && actor.directory().areas.in_sentence(text).is_some_and(|(area, _)| village(area))
    }

    async fn open(&self, turn: &mut Turn<'_, Actor>, said: &Said) -> Result<Opening> {
        opening::open(turn, said).await
    }

    fn number_in(&self, text: &str) -> Option<String> {
        refs::number_of_card(text)
    }

    fn nothing_for(&self, form: &Form) -> String {
        tickets::wording::nothing_for(form.word)
    }

    fn help_intro(&self, _actor: &Actor) -> String {
        tickets::wording::help_intro().to_owned()
    }

    async fn arrived(&self, turn: &mut Turn<'_, Actor>, scene: Option<&str>) -> Result<()> {
        // A village's QR code carries its area code: the report then needs no place.
        let office = turn.actor.office.clone();
        let area =
            scene.map(|scene| scene.strip_prefix("area:").unwrap_or(scene)).and_then(|code| office.directory.areas.get(code));
        match area {
            Some(area) => {
                let name = office.directory.areas.display(&area.code);
                let place = Value::Place { code: area.code.clone(), name, point: None, words: String::new() };
                let mut given = Answers::new();
                given.insert("place".into(), place.into());
                Box::pin(bot::begin(self, turn, "report", given)).await
            }
            None => {
                turn.say(tickets::wording::greeting(turn.actor.is_staff()));
                Ok(())
            }
        }
    }

    async fn left(&self, turn: &mut Turn<'_, Actor>) -> Result<()> {
        bot::store::close_window(turn.tx, &self.keys, &turn.update.from).await
    }
}

/// The ticket of a source's parameter; of several the first.
async fn ticket_of(turn: &mut Turn<'_, Actor>, ids: Option<&str>) -> Result<Option<tickets::Ticket>> {
    match ids.and_then(|ids| ids.split(',').next()?.parse().ok()) {
        Some(id) => tickets::store::by_id(turn.tx.conn(), id).await,
        None => Ok(None),
    }
}
