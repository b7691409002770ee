//! Sentences of 督办, 催办 the third time, 查验, 销号, and of deputies: 上报, 我的小组, 找代表, 转建议.
