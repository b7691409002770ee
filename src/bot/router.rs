//! What a message means: one readable decision, in the order of `contract.md` section 5.

use super::{
    App, Opening, Turn,
    command::{self, Form, Parsed, Slot},
    dialog::{self, Control, Idle, Input, MediaId},
    store,
    talk::{self, Start},
    wording,
};
use crate::{
    error::{Error, Result},
    message::{Content, Media, MediaKind, Reply, Said},
};

/// 帮助, the one command of the framework itself.
pub static HELP: Form = Form {
    dialog: "help",
    word: "帮助",
    also: &["怎么用", "?"],
    alias: "help",
    slots: &[Slot::Rest("command")],
    usage: "帮助",
    does: "看看能说什么",
};

/// Routes one update.
pub(super) async fn route<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>) -> Result<()> {
    let update = turn.update;
    match &update.content {
        Content::Silent(_) => Ok(()),
        Content::Left => app.left(turn).await,
        Content::Arrived { scene } => app.arrived(turn, scene.as_deref()).await,
        Content::OverQuota => {
            turn.say(wording::over_quota());
            Ok(())
        }
        Content::TooFast => {
            turn.say(wording::too_fast());
            Ok(())
        }
        Content::Unsupported(_) => {
            turn.say(wording::unsupported());
            talk::again(app, turn).await
        }
        Content::Pressed(payload) => press(app, turn, payload).await,
        Content::Said(said) => {
            register(turn, &said.media).await?;
            hear(app, turn, said).await
        }
    }
}

/// Writes down the files of the message, to be fetched after the turn.
async fn register<A>(turn: &mut Turn<'_, A>, media: &[Media]) -> Result<()> {
    let mut files = Vec::with_capacity(media.len());
    for file in media {
        let id = turn.tx.id()?;
        turn.media.push(MediaId { id, kind: file.kind });
        files.push((id, file));
    }
    let channel = turn.from().channel.clone();
    store::write_fetches(turn.tx, turn.key, &channel, &files, turn.now).await
}

/// A button: an answer of a dialog or of an offer, or words typed for the person.
async fn press<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, payload: &str) -> Result<()> {
    let Some((instance, step, key)) = dialog::pressed(payload) else {
        let words = payload.strip_prefix(wording::TYPED).unwrap_or(payload).to_owned();
        // A button is never an answer to another question: what it says is done beside the dialog in progress.
        let may = |form: &Form| app.may(&turn.actor, form);
        if turn.memory.dialog.is_some()
            && let Some(Ok(parsed)) = command::parse(&words, app.forms(), &may)
        {
            let open = in_progress(turn);
            run(app, turn, &parsed, &Said::default()).await?;
            return if in_progress(turn) == open { talk::again(app, turn).await } else { Ok(()) };
        }
        return hear(app, turn, &Said { text: words, ..Said::default() }).await;
    };
    let input = Input::Pressed { instance, step, key };
    if turn.memory.dialog.as_ref().is_some_and(|state| state.instance == instance) {
        return talk::answer(app, turn, input).await;
    }
    if turn.memory.dialog.is_none() {
        let targets = app.targets(turn).await?;
        if let Some(offer) = store::offer(turn.tx, &targets, instance, turn.now).await?
            && talk::take_offer(app, turn, offer, input).await?
        {
            return Ok(());
        }
    }
    turn.say(wording::stale_button());
    talk::again(app, turn).await
}

/// Words, pictures, a voice, a place.
async fn hear<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, said: &Said) -> Result<()> {
    let text = addressed(&said.text, turn.in_group());
    turn.out.danger = app.danger(text);
    wake_or_drop(app, turn);
    let set = app.dialogs();
    let control = set.controls().of(text);
    let in_dialog = turn.memory.dialog.is_some();

    // A control word.
    if !in_dialog {
        match control {
            Some(Control::Cancel) => {
                turn.say(wording::nothing_to_cancel());
                return Ok(());
            }
            Some(Control::Help) => return help(app, turn, ""),
            _ => {}
        }
    }
    // A command.
    if control.is_none()
        && let Some(commands) = commands(app, turn, (text, said), in_dialog)
    {
        let given_up =
            in_dialog && (choosing_for_a_command(app, turn, text) || anew(turn, &commands)) && turn.memory.under.is_none();
        if given_up {
            turn.memory.dialog = None;
        }
        let open = in_progress(turn);
        for parsed in &commands {
            match parsed {
                Ok(parsed) => match run(app, turn, parsed, said).await {
                    // Of several commands, one that does not work does not stop the others.
                    Err(Error::User(sentence)) => {
                        while turn.tx.depth() > 0 {
                            turn.tx.back().await?;
                        }
                        turn.say(sentence);
                    }
                    done => done?,
                },
                Err(mistake) => turn.say(wording::mistake(mistake, text.starts_with('/'))),
            }
        }
        // What a command interrupts is asked again, unless the command asks something itself or led back to a dialog below.
        return if open.is_some() && in_progress(turn) == open { talk::again(app, turn).await } else { Ok(()) };
    }
    // The start word of the dialog in progress is no answer to it, nor is a greeting after a pause.
    let current = turn.memory.dialog.as_ref();
    let begins_again = current.is_some_and(|state| set.started_by(text).is_some_and(|(dialog, _)| dialog.id == state.dialog));
    if begins_again || (current.is_some_and(|state| state.paused) && app.is_small_talk(text)) {
        return talk::again(app, turn).await;
    }
    // The start word of a dialog that the one in progress names leads there.
    let leads = current.and_then(|state| set.get(&state.dialog)).map(|dialog| &dialog.leads);
    if let Some((to, _)) = set.started_by(text).filter(|(to, _)| leads.is_some_and(|leads| leads.contains(&to.id)))
        && app.may_start(&turn.actor, to)
    {
        return talk::lead(app, turn, to).await;
    }
    // An answer of the dialog in progress.
    let media = turn.media.clone();
    let input = Input::Said { text, media: &media, point: said.point.as_ref(), at: turn.now };
    if in_dialog {
        return talk::answer(app, turn, input).await;
    }
    // A start word of a dialog.
    if let Some((dialog, given)) = set.started_by(text).filter(|(dialog, _)| app.may_start(&turn.actor, dialog)) {
        if let Some(quote) = &said.quote {
            register(turn, &quote.media).await?;
            let quoted = quote.text.clone();
            return talk::begin(app, turn, &dialog.id, Start { given, words: Some(quoted), ..Start::default() }).await;
        }
        // A voice message that says the start word is no evidence.
        let shows = turn.media.iter().any(|file| file.kind != MediaKind::Voice);
        let words = shows.then(String::new);
        return talk::begin(app, turn, &dialog.id, Start { given, words, ..Start::default() }).await;
    }
    // An answer to the pending question; greetings and thanks are none.
    if !app.is_small_talk(text) {
        let targets = app.targets(turn).await?;
        let anew = app.begins_anew(&turn.actor, text);
        for offer in
            store::waiting_offers(turn.tx, &targets, turn.now).await?.into_iter().filter(|offer| !(offer.optional && anew))
        {
            if talk::take_offer(app, turn, offer, input.clone()).await? {
                return Ok(());
            }
        }
    }
    // Small talk, the beginning of a report, or a sentence on what can be done.
    let addressed = Said { text: text.to_owned(), ..said.clone() };
    match app.open(turn, &addressed).await? {
        Opening::Answered => Ok(()),
        Opening::Dialog(id, given, parts) => {
            let start = Start { given, parts, words: Some(text.to_owned()), ..Start::default() };
            talk::begin(app, turn, id, start).await
        }
    }
}

/// The run of the dialog in progress.
fn in_progress<A>(turn: &Turn<'_, A>) -> Option<i64> {
    turn.memory.dialog.as_ref().map(|state| state.instance)
}

/// The words without a leading @mention of the bot, as platforms leave it in some messages of groups.
fn addressed(text: &str, group: bool) -> &str {
    let text = text.trim();
    match text.strip_prefix(['@', '＠']) {
        Some(rest) if group => rest.split_once(char::is_whitespace).map_or("", |(_, words)| words).trim(),
        _ => text,
    }
}

/// A dialog that was left alone for long is put aside or forgotten before the message is understood.
fn wake_or_drop<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>) {
    let now = turn.now;
    let Some(state) = turn.memory.dialog.as_mut() else { return };
    let set = app.dialogs();
    let asked = state.open.as_ref().map_or(now, |open| open.asked);
    let idle = set.get(&state.dialog).map_or(Idle::Drop, |dialog| dialog::idle(dialog, asked, true, now));
    match idle {
        Idle::Fresh | Idle::Remind => {}
        Idle::Pause if !state.paused => dialog::pause(state),
        Idle::Pause => {}
        Idle::Drop => {
            turn.memory.dialog = None;
            turn.memory.offer = None;
            turn.memory.under = None;
        }
    }
}

/// The message as commands: one, or one a line when all lines are. In a dialog only what begins with a slash, quotes a card, or
/// names a ticket and is complete.
fn commands<A: App>(
    app: &A,
    turn: &Turn<'_, A::Actor>,
    (text, said): (&str, &Said),
    in_dialog: bool,
) -> Option<Vec<std::result::Result<Parsed, command::Mistake>>> {
    let forms = app.forms();
    let may = |form: &Form| app.may(&turn.actor, form);
    if (!in_dialog || choosing_for_a_command(app, turn, text))
        && let Some(all) = one_a_line(text, forms, &may)
    {
        return Some(all);
    }
    let parsed = command::parse(text, forms, &may)?;
    if in_dialog {
        // A command under a card is about that card, whatever is being asked.
        let quoted = said.quote.as_ref().is_some_and(|quote| app.number_in(&quote.text).is_some());
        let counts = match &parsed {
            Ok(_) if choosing_for_a_command(app, turn, text) => true,
            Ok(parsed) if quoted && parsed.left.is_none() => true,
            Ok(parsed) => parsed.slash || (parsed.numbered && parsed.is_complete()) || said_anew(turn, text, parsed),
            Err(_) => text.starts_with('/'),
        };
        return counts.then(|| vec![parsed]);
    }
    Some(vec![parsed])
}

/// Several lines that all begin with commands; a line that is none belongs to the command above it where that takes lines. A
/// slip of the finger in one line is answered by itself and does not stop the others.
fn one_a_line(
    text: &str,
    forms: &[&'static Form],
    may: &dyn Fn(&Form) -> bool,
) -> Option<Vec<std::result::Result<Parsed, command::Mistake>>> {
    let mut blocks: Vec<String> = Vec::new();
    let mut lines: Option<&[&str]> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parsed = command::parse(line, forms, may);
        let below = lines.is_some_and(|words| match &parsed {
            None => true,
            Some(parsed) => parsed.as_ref().is_ok_and(|parsed| words.contains(&parsed.form.word)),
        });
        if below {
            let block = blocks.last_mut()?;
            block.push('\n');
            block.push_str(line);
            continue;
        }
        lines = parsed?.ok().and_then(|parsed| parsed.form.lines());
        blocks.push(line.to_owned());
    }
    if blocks.len() < 2 {
        return None;
    }
    let all: Vec<_> = blocks.iter().filter_map(|block| command::parse(block, forms, may)).collect();
    all.first().is_some_and(std::result::Result::is_ok).then_some(all)
}

/// Is the open question only a choice that a command left out? Then another command means that the first is given up, unless it
/// is the word of one of the choices.
fn choosing_for_a_command<A: App>(app: &A, turn: &Turn<'_, A::Actor>, text: &str) -> bool {
    let Some(state) = &turn.memory.dialog else { return false };
    let set = app.dialogs();
    let of_command = app.forms().iter().any(|form| form.dialog == state.dialog) && turn.memory.offer.is_none();
    let choosing = set.get(&state.dialog).and_then(|dialog| dialog::wanted(dialog, state));
    let chosen = |item: &dialog::Item| item.text == text || item.also.iter().any(|also| also == text);
    of_command && choosing.is_some_and(|step| step.kind == dialog::Kind::Choice && !step.choices.iter().any(chosen))
}

/// Is it the command whose question is open, given anew? Then nobody wants to answer that question.
fn anew<A>(turn: &Turn<'_, A>, commands: &[std::result::Result<Parsed, command::Mistake>]) -> bool {
    let open = turn.memory.dialog.as_ref().filter(|_| turn.memory.offer.is_none());
    open.is_some_and(|open| commands.iter().flatten().any(|parsed| parsed.form.dialog == open.dialog))
}

/// Is it the command whose question is open, written out again with more behind it? Its word is no part of the answer then.
fn said_anew<A>(turn: &Turn<'_, A>, text: &str, parsed: &Parsed) -> bool {
    let rest = std::iter::once(&parsed.form.word).chain(parsed.form.also).find_map(|word| text.trim().strip_prefix(word));
    let apart = rest.is_some_and(|rest| rest.starts_with(char::is_whitespace));
    apart && turn.memory.offer.is_none() && turn.memory.dialog.as_ref().is_some_and(|open| open.dialog == parsed.form.dialog)
}

/// Runs one command, with the ticket of the quoted card where the line names none.
async fn run<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, parsed: &Parsed, said: &Said) -> Result<()> {
    if parsed.form == &HELP {
        let about = parsed.given.first().map_or("", |(_, words)| words);
        return help(app, turn, about);
    }
    let mut parsed = parsed.clone();
    let slot = parsed.form.slots.iter().find_map(|slot| match slot {
        Slot::Ticket(step) | Slot::Tickets(step) => Some(*step),
        Slot::Word(_) | Slot::OneOf(..) | Slot::Score(_) | Slot::After(..) | Slot::Rest(_) | Slot::Lines(..) => None,
    });
    if let (Some(step), Some(quote)) = (slot, &said.quote)
        && let Some(number) = app.number_in(&quote.text)
    {
        if parsed.numbered {
            // Where a card is quoted it is the ticket, and numbers in the text are arguments.
            parsed = command::reread(&said.text, &parsed);
        }
        parsed.given.insert(0, (step, number));
        parsed.numbered = true;
    }
    talk::command(app, turn, &parsed).await
}

/// What one can say: all that this person may, or one command in detail.
fn help<A: App>(app: &A, turn: &mut Turn<'_, A::Actor>, about: &str) -> Result<()> {
    let about = about.trim().trim_start_matches('/');
    let allowed: Vec<&&'static Form> = app.forms().iter().filter(|form| app.may(&turn.actor, form)).collect();
    if !about.is_empty() {
        let text = match allowed.iter().find(|form| form.word == about || form.alias == about || form.also.contains(&about)) {
            Some(form) => wording::help_form(form),
            None => wording::mistake(&command::mistake(about, app.forms(), &|form| app.may(&turn.actor, form), false), false),
        };
        turn.say(text);
        return Ok(());
    }
    let mut lines = vec![app.help_intro(&turn.actor)];
    lines.extend(allowed.iter().map(|form| wording::help_line(form)));
    turn.say(Reply::text(lines.join("\n")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_dropped_in_a_group_only() {
        assert_eq!(addressed("@民呼 签收 7", true), "签收 7");
        assert_eq!(addressed(" 签收 7", true), "签收 7");
        assert_eq!(addressed("@民呼", true), "");
        assert_eq!(addressed("@民呼 签收 7", false), "@民呼 签收 7");
    }
}
