//! The values that settings choose from.

use serde::{Deserialize, Serialize};

/// How viewers skip a video ad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonType {
    /// A skip symbol.
    Skip,
    /// Words.
    Worded,
    /// A close symbol.
    Close,
}

impl ButtonType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Worded, Self::Close];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Worded => "worded",
            Self::Close => "close",
        }
    }
}

macro_rules! seconds {
    ($(#[$doc:meta])* $name:ident: $($value:literal),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(u32);

        impl $name {
            /// Every legal value, in seconds.
            pub const ALLOWED: &[u32] = &[$($value),+];

            /// A value of this many seconds, if that is a legal one.
            pub fn from_seconds(seconds: u32) -> Option<Self> {
                Self::ALLOWED.contains(&seconds).then_some(Self(seconds))
            }

            /// Its seconds.
            pub const fn seconds(self) -> u32 {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = String;

            fn try_from(seconds: u32) -> Result<Self, String> {
                Self::from_seconds(seconds).ok_or_else(|| format!("must be one of {:?}", Self::ALLOWED))
            }
        }

        impl From<$name> for u32 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

seconds!(
    /// Seconds until the close button shows.
    ShowButtonTimer: 5, 15, 30, 45, 60, 90
);
seconds!(
    /// Seconds that a video may play at most.
    MaxDuration: 5, 15, 30, 45, 60, 90, 120
);

impl ShowButtonTimer {
    /// What a new app has.
    pub const NEW: Self = Self(30);
}

impl MaxDuration {
    /// What a new app has.
    pub const NEW: Self = Self(120);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_seconds_are_legal() {
        let timers: Vec<u32> = (0..=200).filter(|n| ShowButtonTimer::from_seconds(*n).is_some()).collect();
        assert_eq!(timers, [5, 15, 30, 45, 60, 90]);
        let durations: Vec<u32> = (0..=200).filter(|n| MaxDuration::from_seconds(*n).is_some()).collect();
        assert_eq!(durations, [5, 15, 30, 45, 60, 90, 120]);
        assert!(serde_json::from_str::<MaxDuration>("31").is_err());
        assert_eq!(ShowButtonTimer::from_seconds(30), Some(ShowButtonTimer::NEW));
        assert_eq!(MaxDuration::from_seconds(120), Some(MaxDuration::NEW));
    }

    #[test]
    fn documents_spell_buttons_as_the_api_does() {
        for one in ButtonType::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.name());
        }
    }
}
