//! Sentences of several units and of disputes: 协办, 协办意见, 退单 the second time, 裁定, 提级, 移交.
