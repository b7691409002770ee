//! Leading dialogs: begin, answer, ask, submit. The engine decides, this module fetches choices and runs actions.

use super::{
    App, Submitted, Turn,
    command::{Parsed, Slot},
    dialog::{self, Answer, Answers, Dialog, Input, State, Taken, Value},
    store, wording,
};
use crate::{
    error::{Error, Result},
    message::Reply,
    outbox::{Class, Push, Target},
};

/// How a dialog begins.
#[derive(Default)]
pub(super) struct Start {
    /// Complete answers.
    pub given: Answers,
    /// The beginnings of answers.
    pub parts: Vec<(&'static str, Value)>,
    /// Words of the message that belong into the dialog's account.
    pub words: Option<String>,
    /// The offer it answers.
    pub offer: Option<i64>,
    /// Said before the first question.
    pub note: Option<String>,
}

/// Begins a dialog: asks its first open question, or submits it when there is none.
pub(super) async fn begin<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, id: &str, start: Start) -> Result<()> {
    let set = app.dialogs();
    let Some(dialog) = set.get(id) else { return Err(Error::fault(format!("there is no dialog {id}"))) };
    let instance = match start.offer {
        Some(offer) => offer,
        None => turn.tx.id()?,
    };
    let mut state = dialog::begin(dialog, instance, start.given);
    keep_pictures(&mut state);
    let mut search = None;
    for (step, value) in start.parts {
        match value {
            // The beginning of an answer to a place is a name to search for.
            Value::Text(words) if dialog.step(step).is_some_and(|step| step.kind == dialog::Kind::Place) => search = Some(words),
            value => _ = state.parts.insert(step.to_owned(), value),
        }
    }
    let mut note = start.note;
    if let Some(words) = &start.words {
        let refused = dialog::start_with(dialog, &mut state, words, &turn.media, turn.now);
        note = note.or(refused);
    }
    // A location that began it is the beginning of its place too.
    let point = turn.said().and_then(|said| said.point.clone()).filter(|_| start.words.is_some());
    let asks_place = dialog::wanted(dialog, &state).is_some_and(|step| step.kind == dialog::Kind::Place);
    if search.is_some() || point.is_some() && asks_place {
        let words = search.unwrap_or_default();
        let input = Input::Said { text: &words, media: &[], point: point.as_ref(), at: turn.now };
        let items = match dialog::query(dialog, &state, Some(&input)) {
            Some(query) => app.items(turn, &query).await?,
            None => Vec::new(),
        };
        if let Taken::Next { note: said, .. } = dialog::take(dialog, &mut state, &input, &items) {
            note = note.or(said);
        }
    }
    bring(app, turn, dialog, &mut state).await?;
    if dialog::wanted(dialog, &state).is_none() {
        return submit(app, turn, dialog, state, start.offer).await;
    }
    if turn.in_group() && app.private(dialog) && turn.private.is_some() {
        turn.say(wording::continued_in_private());
        let reply = question(app, turn, dialog, &mut state, note.as_deref()).await?;
        if let Some((chat, memory)) = turn.private.as_mut() {
            memory.begin(state, start.offer);
            let target = Target::Chat(*chat);
            turn.push(Push { target, ticket: None, class: Class::Reply, reply, except: None, urgent: false });
        }
        return Ok(());
    }
    let reply = question(app, turn, dialog, &mut state, note.as_deref()).await?;
    turn.say(reply);
    turn.memory.begin(state, start.offer);
    Ok(())
}

/// Pictures that another dialog hands on without a word are the beginning of an answer.
fn keep_pictures(state: &mut State) {
    let wordless = |answer: &Answer| matches!(answer.value(), Some(Value::Account(told)) if told.text.is_empty());
    let steps: Vec<String> = state.answers.iter().filter(|(_, answer)| wordless(answer)).map(|(step, _)| step.clone()).collect();
    for step in steps {
        if let Some(Answer::Given(value)) = state.answers.shift_remove(&step) {
            state.parts.insert(step, value);
        }
    }
}

/// Begins a dialog with complete answers.
///
/// # Errors
/// Those of the actions and of the database.
pub async fn begin_with<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, id: &str, given: Answers) -> Result<()> {
    begin(app, turn, id, Start { given, ..Start::default() }).await
}

/// Out of the dialog in progress into another one; what was answered to a step that both have is answered there.
pub(super) async fn lead<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, to: &Dialog) -> Result<()> {
    let set = app.dialogs();
    let state = turn.memory.dialog.take();
    turn.memory.offer = None;
    let given = state.and_then(|state| Some(dialog::carried(set.get(&state.dialog)?, &state, to))).unwrap_or_default();
    begin(app, turn, &to.id, Start { given, ..Start::default() }).await
}

/// A command: its line fills the dialog, which asks for the rest or is submitted.
pub(super) async fn command<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, parsed: &Parsed) -> Result<()> {
    if let Some(sentence) = app.refusal(&turn.actor, parsed.form) {
        turn.say(sentence);
        return Ok(());
    }
    if app.direct(turn, parsed).await? {
        return Ok(());
    }
    let set = app.dialogs();
    let id = parsed.form.dialog;
    let Some(dialog) = set.get(id) else { return Err(Error::fault(format!("there is no dialog {id}"))) };
    let mut state = dialog::begin(dialog, turn.tx.id()?, Answers::new());
    let mut notes = Vec::new();
    // Without a number the only ticket that can be meant is.
    let unnamed = parsed.form.slots.iter().find_map(|slot| match slot {
        Slot::Ticket(step) | Slot::Tickets(step) if !parsed.numbered => Some((*step, String::new())),
        _ => None,
    });
    let named: Vec<&str> = unnamed.iter().chain(&parsed.given).map(|(step, _)| *step).collect();
    for (slot, words) in unnamed.iter().chain(&parsed.given) {
        // A slot that is no step of the dialog is for whatever the words before it made the next question.
        let found = dialog.step(slot).or_else(|| dialog::wanted_besides(dialog, &state, &named));
        let Some(step) = found.map(|step| step.id.as_str()) else { continue };
        let query = dialog::query_for(dialog, &state, step, words);
        if let Some(query) = &query
            && let Some(resolved) = app.resolve(turn, query, words).await?
        {
            notes.extend(resolved.notes);
            match resolved.value {
                Some(value) => _ = state.answers.insert(step.to_owned(), value.into()),
                None if resolved.ask => {}
                None => {
                    turn.say(notes.join("\n"));
                    return Ok(());
                }
            }
            bring(app, turn, dialog, &mut state).await?;
            continue;
        }
        let items = match &query {
            Some(query) => app.items(turn, query).await?,
            None => Vec::new(),
        };
        let media = if takes_media(dialog, step) { turn.media.clone() } else { Vec::new() };
        if let Err(sentence) = dialog::give(dialog, &mut state, step, (words, &media), &items, turn.now) {
            notes.push(sentence);
        }
    }
    if let Some(action) = &dialog.each {
        for (step, _) in &parsed.given {
            let answers = dialog::answers(dialog, &state);
            if answers.contains_key(*step) {
                turn.tx.savepoint().await?;
                app.each(turn, action, step, &answers).await?;
                turn.tx.keep().await?;
            }
        }
    }
    if !turn.media.is_empty() && !parsed.given.iter().any(|(step, _)| takes_media(dialog, step)) {
        dialog::start_with(dialog, &mut state, "", &turn.media, turn.now);
    }
    bring(app, turn, dialog, &mut state).await?;
    if let Some((position, words)) = &parsed.left {
        notes.push(wording::left_over(parsed.form, *position, words));
    }
    if dialog::wanted(dialog, &state).is_none() && parsed.left.is_none() {
        notes.into_iter().for_each(|note| turn.say(note));
        return submit(app, turn, dialog, state, None).await;
    }
    if dialog::wanted(dialog, &state).is_none() {
        turn.say(notes.join("\n"));
        return Ok(());
    }
    let note = (!notes.is_empty()).then(|| notes.join("\n"));
    let reply = question(app, turn, dialog, &mut state, note.as_deref()).await?;
    if reply.choices.iter().all(|choice| choice.number.is_none())
        && dialog::wanted(dialog, &state).is_some_and(|step| step.kind == dialog::Kind::Choice && step.choices.is_empty())
    {
        // Nothing there to choose from: saying so is the answer, asking on would be a dead end.
        turn.say(note.unwrap_or_else(|| app.nothing_for(parsed.form)));
        return Ok(());
    }
    turn.say(reply);
    turn.memory.begin(state, None);
    Ok(())
}

fn takes_media(dialog: &Dialog, step: &str) -> bool {
    dialog.step(step).is_some_and(|step| step.kind.takes_media())
}

/// Gives the dialog what the application knows once a ticket is chosen.
async fn bring<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, dialog: &Dialog, state: &mut State) -> Result<()> {
    if !dialog.given.is_empty() {
        let brought = app.brought(turn, dialog, &dialog::answers(dialog, state)).await?;
        state.answers.extend(brought);
    }
    Ok(())
}

/// Takes an input of the dialog in progress.
pub(super) async fn answer<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, input: Input<'_>) -> Result<()> {
    let set = app.dialogs();
    let Some(mut state) = turn.memory.dialog.take() else { return Ok(()) };
    let Some(dialog) = set.get(&state.dialog) else {
        turn.memory.offer = None;
        turn.say(wording::dialog_gone());
        return Ok(());
    };
    let items = match dialog::query(dialog, &state, Some(&input)) {
        Some(query) => app.items(turn, &query).await?,
        None => Vec::new(),
    };
    let taken = dialog::take(dialog, &mut state, &input, &items);
    let answered = match &taken {
        Taken::Next { answered, .. } | Taken::Silent { answered } | Taken::Done { answered } => answered.clone(),
        Taken::Cancelled | Taken::Help => None,
    };
    if let (Some(action), Some(step)) = (&dialog.each, &answered) {
        let answers = dialog::answers(dialog, &state);
        turn.tx.savepoint().await?;
        app.each(turn, action, step, &answers).await?;
        turn.tx.keep().await?;
    }
    if answered.is_some() {
        bring(app, turn, dialog, &mut state).await?;
    }
    let taken = match taken {
        // What was brought may have made another question necessary.
        Taken::Done { answered } if dialog::wanted(dialog, &state).is_some() => Taken::Next { note: None, answered },
        taken => taken,
    };
    match taken {
        Taken::Next { note, .. } => {
            let reply = question(app, turn, dialog, &mut state, note.as_deref()).await?;
            turn.say(reply);
            turn.memory.dialog = Some(state);
            Ok(())
        }
        Taken::Silent { .. } => {
            turn.memory.dialog = Some(state);
            Ok(())
        }
        Taken::Help => {
            let help = dialog::help(dialog, &state);
            let reply = question(app, turn, dialog, &mut state, Some(&help)).await?;
            turn.say(reply);
            turn.memory.dialog = Some(state);
            Ok(())
        }
        Taken::Cancelled => {
            let offer = turn.memory.offer.take();
            if let Some(offer) = offer {
                store::set_offer(turn.tx, offer, "gone").await?;
            }
            turn.say(wording::cancelled(&dialog.title));
            after(app, turn, state.instance).await
        }
        Taken::Done { .. } => {
            let offer = turn.memory.offer.take();
            submit(app, turn, dialog, state, offer).await
        }
    }
}

/// Asks the open question again, after something else was done in between.
pub(super) async fn again<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>) -> Result<()> {
    let set = app.dialogs();
    let Some(mut state) = turn.memory.dialog.take() else { return Ok(()) };
    let Some(dialog) = set.get(&state.dialog) else { return Ok(()) };
    let reply = question(app, turn, dialog, &mut state, None).await?;
    turn.say(reply);
    turn.memory.dialog = Some(state);
    Ok(())
}

/// The next question with its choices.
async fn question<A: App>(
    app: &A,
    turn: &mut Turn<'_, A::Actor>,
    dialog: &Dialog,
    state: &mut State,
    note: Option<&str>,
) -> Result<Reply> {
    let items = match dialog::query(dialog, state, None) {
        Some(query) => app.items(turn, &query).await?,
        None => Vec::new(),
    };
    Ok(dialog::prompt(dialog, state, &items, note, turn.now))
}

/// Runs the action of a complete dialog. What a refused action did is undone; the refusal is said.
async fn submit<A: App>(
    app: &A,
    turn: &mut Turn<'_, A::Actor>,
    dialog: &Dialog,
    mut state: State,
    offer: Option<i64>,
) -> Result<()> {
    let answers = dialog::answers(dialog, &state);
    let mark = turn.mark();
    turn.tx.savepoint().await?;
    match app.submit(turn, &dialog.submit, &answers).await {
        Ok(Submitted::Done(values)) => {
            turn.tx.keep().await?;
            if let Some(offer) = offer {
                store::set_offer(turn.tx, offer, "answered").await?;
            }
            if let Some(done) = &dialog.done {
                let value = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
                let text = dialog::filled(dialog, &state, done, &value);
                if !text.trim().is_empty() {
                    turn.say_first(text.trim_end());
                }
            }
            after(app, turn, state.instance).await
        }
        Ok(Submitted::Then(next, given)) => {
            turn.tx.keep().await?;
            if let Some(offer) = offer {
                store::set_offer(turn.tx, offer, "answered").await?;
            }
            Box::pin(begin(app, turn, next, Start { given, ..Start::default() })).await
        }
        Ok(Submitted::Mend(step, sentence)) => {
            turn.tx.back().await?;
            turn.undo(mark);
            dialog::mend(dialog, &mut state, Some(step));
            let reply = question(app, turn, dialog, &mut state, Some(&sentence)).await?;
            turn.say(reply);
            turn.memory.dialog = Some(state);
            turn.memory.offer = offer;
            Ok(())
        }
        Err(Error::User(sentence)) => {
            turn.tx.back().await?;
            turn.undo(mark);
            turn.say(sentence);
            after(app, turn, state.instance).await
        }
        Err(error) => Err(error),
    }
}

/// When a dialog is over: back to the one below it, else to a question that came while it lasted.
async fn after<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, instance: i64) -> Result<()> {
    if let Some((state, offer)) = turn.memory.under.take() {
        turn.memory.dialog = Some(state);
        turn.memory.offer = offer;
        return again(app, turn).await;
    }
    if turn.memory.dialog.is_some() {
        return Ok(());
    }
    let targets = app.targets(turn).await?;
    let waiting = store::waiting_offers(turn.tx, &targets, turn.now).await?;
    if let Some(waiting) = waiting.into_iter().find(|waiting| !waiting.optional && waiting.id > instance) {
        let note = Some(wording::by_the_way().to_owned());
        let start = Start { given: waiting.preset, offer: Some(waiting.id), note, ..Start::default() };
        return Box::pin(begin(app, turn, &waiting.dialog, start)).await;
    }
    Ok(())
}

/// Opens an offer with its first answer, if the message fits it. Says whether it did.
pub(super) async fn take_offer<A: App>(
    app: &A,
    turn: &mut Turn<'_, A::Actor>,
    offer: store::Waiting,
    input: Input<'_>,
) -> Result<bool> {
    let set = app.dialogs();
    let Some(dialog) = set.get(&offer.dialog) else { return Ok(false) };
    let mut state = dialog::begin(dialog, offer.id, offer.preset);
    // Asking sets what the numbers mean; the question itself went out with the push.
    question(app, turn, dialog, &mut state, None).await?;
    let items = match dialog::query(dialog, &state, Some(&input)) {
        Some(query) => app.items(turn, &query).await?,
        None => Vec::new(),
    };
    let mut trial = state.clone();
    let fits = match dialog::take(dialog, &mut trial, &input, &items) {
        Taken::Next { answered, .. } | Taken::Silent { answered } | Taken::Done { answered } => answered.is_some(),
        Taken::Cancelled => true,
        Taken::Help => false,
    };
    if !fits {
        return Ok(false);
    }
    turn.memory.dialog = Some(state);
    turn.memory.offer = Some(offer.id);
    answer(app, turn, input).await?;
    Ok(true)
}
