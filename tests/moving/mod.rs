//! Whole stories with the installation moved to another database between their lines: nobody notices.
//!
//! With `MINHUTEST_DATABASE_URL` every move leads to the other kind of database and back again.

use crate::{
    name,
    support::{
        chat::{Act, Chat, Step},
        play,
    },
};

/// Stories that together touch most tables, and after how many lines each is moved.
const MOVED: [(&str, usize); 3] = [
    ("全程/退单、改派、重办，走了两轮.chat", 7),
    ("全程/村民反映机井，水务局办结，村民评价.chat", 4),
    ("推送/留了十天的下次来照样给.chat", 2),
];

/// The story with a move after every `each` of its steps, dialogs in the middle included.
fn with_moves(chat: &Chat, each: usize) -> Chat {
    let mut moved = chat.clone();
    moved.steps = Vec::new();
    for (at, step) in chat.steps.iter().enumerate() {
        moved.steps.push(step.clone());
        if at % each == 0 {
            let act = Act::Stage("搬家".to_owned());
            moved.steps.push(Step { before: Vec::new(), line: step.line, act, heard: Vec::new() });
        }
    }
    moved
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_is_moved_in_the_middle_of_a_dialog_goes_on() {
    for (story, each) in MOVED {
        let path = play::folder().join(story);
        let written = with_moves(&Chat::parse(&std::fs::read_to_string(&path).unwrap()).unwrap(), each);
        let moves = written.steps.iter().filter(|step| step.act == Act::Stage("搬家".to_owned())).count();
        assert!(moves >= 2, "{story} is moved {moves} times");
        let played = play::play(&written).await.unwrap_or_else(|wrong| panic!("{}: {wrong}", name(&path)));
        assert_eq!(played.complaint(&written), None, "{}", name(&path));
    }
}
