//! Sentences of working lists and of 试派.
