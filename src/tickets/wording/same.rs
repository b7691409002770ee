//! Sentences of the question whether it is the same matter.
