//! Sentences of time, of second persons and of decisions that are contested: 延期, 挂账, 同意, 申诉, 恢复, 不合理, 回访.
