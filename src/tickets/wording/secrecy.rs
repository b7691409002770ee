//! Sentences of sealed clues, 看身份, the list of looks, and what reporters give away of themselves.
