//! What programs tell the user through the kernel.

use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;

/// HARDERROR_RESPONSE_OPTION: OptionShutdownSystem.
const SHUTDOWN_SYSTEM: u32 = 6;
/// HARDERROR_RESPONSE: ResponseReturnToCaller.
const RETURN_TO_CALLER: u32 = 0;
/// MAXIMUM_HARDERROR_PARAMETERS.
const MOST_PARAMETERS: u32 = 5;

/// NtRaiseHardError: there is nobody to be asked, so the error is kept for the report that a person gets if the process
/// ends with that status, and the caller goes on as if no one had answered.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_2`, `STATUS_INVALID_PARAMETER_4`, `STATUS_INVALID_PARAMETER_5`, `STATUS_PRIVILEGE_NOT_HELD`
/// for shutting down, `STATUS_ACCESS_VIOLATION`.
pub fn nt_raise_hard_error(
    cx: &Cx<'_>,
    status: u32,
    count: u32,
    strings: u32,
    parameters: UserPtr<u64>,
    option: u32,
    response: UserPtr<u32>,
) -> Nt {
    if count > MOST_PARAMETERS {
        return Err(STATUS_INVALID_PARAMETER_2);
    }
    if parameters.is_null() && count != 0 {
        return Err(STATUS_INVALID_PARAMETER_4);
    }
    if option > 8 {
        return Err(STATUS_INVALID_PARAMETER_5);
    }
    if option == SHUTDOWN_SYSTEM {
        return Err(STATUS_PRIVILEGE_NOT_HELD);
    }
    let mut text = format!("{}", Status(status));
    for index in 0..count {
        let value = parameters.add(u64::from(index)).read(cx.k)?;
        if strings >> index & 1 != 0 {
            let string = UserPtr::<UnicodeString>::new(value).text(cx.k)?;
            text.push_str(&format!(" \"{}\"", String::from_utf16_lossy(&string)));
        } else {
            text.push_str(&format!(" {value:#x}"));
        }
    }
    if cx.k.boot.trace {
        cx.k.host.trace(&format!("hard error: {text}"));
    }
    *cx.k.ex.hard_error.lock() = Some((status, text));
    response.write(cx.k, RETURN_TO_CALLER)?;
    Ok(STATUS_SUCCESS)
}

impl Kernel {
    /// The last hard error of that status, for a person.
    pub fn hard_error(&self, status: u32) -> Option<String> {
        let last = self.ex.hard_error.lock();
        last.as_ref().filter(|(of, _)| *of == status).map(|(_, text)| format!("hard error: {text}"))
    }
}

/// NtDisplayString: only the system writes on the blue screen; the text goes to the trace.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_display_string(cx: &Cx<'_>, text: UserPtr<UnicodeString>) -> Nt {
    let text = text.text(cx.k)?;
    if cx.k.boot.trace {
        cx.k.host.trace(&format!("display: {}", String::from_utf16_lossy(&text)));
    }
    Err(STATUS_PRIVILEGE_NOT_HELD)
}
