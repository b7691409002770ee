//! Sentences of 并单, 拆回, 拆单, 更正, 撤销.
