// What the server refuses, and why.

export interface FieldError {
  field: string;
  message: string;
}

/** What the server refused, whichever dialect it spoke. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: FieldError[] = [],
    /** Seconds after which it may be asked again. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  static async of(response: Response): Promise<ApiError> {
    // A body that is no JSON says nothing more than the status does.
    const body = await response.json().catch(() => ({}));
    const retryAfter = Number(response.headers.get("retry-after")) || null;
    if (Array.isArray(body.detail)) {
      const details = body.detail as { loc?: (string | number)[]; msg: string; type: string }[];
      const errors = details.filter((one) => one.loc).map((one) => ({ field: one.loc!.slice(1).join("."), message: one.msg }));
      return new ApiError(response.status, details[0]?.type ?? "", details.map((one) => one.msg).join(" "), errors, retryAfter);
    }
    const message = body.detail ?? body.message ?? `The server answered ${response.status}.`;
    return new ApiError(response.status, body.code ?? "", message, body.errors ?? [], retryAfter);
  }

  /** Everything that is wrong, in one text. */
  get full(): string {
    return [this.message, ...this.errors.map((one) => `${one.field}: ${one.message}`)].join("\n");
  }
}
