//! Enums whose values travel as words.

/// Declares an enum whose variants have words, the same on the wire and on disk.
#[macro_export]
macro_rules! words {
    (
        $(#[$attribute:meta])* $vis:vis enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it, on the wire and on disk.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What `word` stands for.
            pub fn parse(word: &str) -> Result<Self, $crate::InvalidValue> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::InvalidValue::none_of(&[$($word),+])),
                }
            }
        }
    };
}
