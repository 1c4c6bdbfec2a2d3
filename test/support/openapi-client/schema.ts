export interface paths {
    "/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["MeController_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells whether the access token is good. */
        get: operations["auth_verify"];
        put?: never;
        /** Tells whether the access token is good. */
        post: operations["auth_verifyByPost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a session of the user. */
        delete: operations["auth_endSession"];
        options?: never;
        head?: never;
        /** Names the device of a session of the user. */
        patch: operations["auth_renameSession"];
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a session. */
        post: operations["auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reauthenticate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proves the credentials again, and returns new tokens of the session. */
        post: operations["auth_reauthenticate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Returns a new access token. */
        post: operations["auth_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the session. */
        post: operations["auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout-other": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends all sessions of the user but this one and tokens for programs. */
        post: operations["auth_logoutOther"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends all sessions of the user. */
        post: operations["auth_logoutAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the session of this request. */
        get: operations["auth_session"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the live sessions of the user, newest first. */
        get: operations["auth_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Me: {
            username: string;
        };
        JwtKnoxLogin: {
            username: string;
            password: string;
            /** @description A name for the device; cut at 128 characters. */
            device_name?: string | null;
            /** @description false: the session ends earlier without a refresh. */
            remember?: boolean | null;
        };
        JwtKnoxTokens: {
            /**
             * @description DPoP: each request needs a proof of the key of the device.
             * @enum {string}
             */
            token_type: "Bearer" | "DPoP";
            /** @description Seconds. */
            expires_in: number;
            /** Format: uuid */
            session_id: string;
            access_token: string;
            refresh_token: string;
            /** @description Seconds. */
            refresh_expires_in: number;
        };
        /** @description code is stable, message is for people. */
        JwtKnoxError: {
            statusCode: number;
            error: string;
            code: string;
            message: string;
        };
        JwtKnoxReauthentication: {
            password: string;
        };
        JwtKnoxRefresh: {
            refresh_token: string;
            resource?: string | string[];
        };
        JwtKnoxOAuthError: {
            statusCode: number;
            error: string;
            code: string;
            message: string;
            error_description: string;
        };
        JwtKnoxLogout: {
            refresh_token?: string | null;
        };
        JwtKnoxRevokedOthers: {
            revoked: number;
            /** @description Tokens for programs. */
            tokens_remaining?: number;
        };
        JwtKnoxRevoked: {
            /** @description How many sessions were ended. */
            revoked: number;
        };
        JwtKnoxSession: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            kind: "login" | "program" | "impersonation";
            device_name: string | null;
            user_agent: string | null;
            ip_address: string | null;
            /** @description Of the last refresh that rotated. */
            last_user_agent: string | null;
            /** @description Of the last refresh that rotated. */
            last_ip_address: string | null;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description When the user last proved who they are.
             */
            authenticated_at: string;
            /** Format: date-time */
            last_used_at: string;
            /** Format: date-time */
            expires_at: string;
            /** @description What the session may do; null: whatever its user may. */
            scopes: string[] | null;
            /** @description Who acts as the user; null for the user. */
            actor: {
                user_id: string;
                realm: string;
            } | null;
            /** @description How the session is bound to a key of its device; null: it is not. */
            bound: string | null;
            /**
             * Format: date-time
             * @description When somebody with a copy of its token was refused last, until the user has seen it.
             */
            copy_refused_at: string | null;
            /** @description Whether it is the session of this request. */
            current: boolean;
        };
        JwtKnoxSessionName: {
            /** @description A name for the device; cut at 128 characters. */
            device_name: string | null;
        };
        JwtKnoxHttpError: {
            statusCode: number;
            error?: string;
            message: string;
        };
    };
    responses: {
        /** @description The request is not as it should be. `code`: `invalid_request`. */
        JwtKnoxBadRequest: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "invalid_request";
                };
            };
        };
        /** @description Not let in. `code`: `invalid_credentials`, `binding_required`, `invalid_dpop_proof`, `use_dpop_nonce`. */
        JwtKnoxInvalidCredentialsOrBindingRequiredOrInvalidDpopProofOrUseDpopNonce: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description RFC 6750 section 3. */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "invalid_credentials" | "binding_required" | "invalid_dpop_proof" | "use_dpop_nonce";
                };
            };
        };
        /** @description The body is too large. `code`: `invalid_request`. */
        JwtKnoxTooLarge: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "invalid_request";
                };
            };
        };
        /** @description The body is of another content type. `code`: `invalid_request`. */
        JwtKnoxUnsupportedType: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "invalid_request";
                };
            };
        };
        /** @description What this depends on does not answer, or not in time. `code`: `storage_unavailable`, `too_busy`. */
        JwtKnoxUnavailable: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description Seconds until another attempt may succeed. */
                "Retry-After": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "storage_unavailable" | "too_busy";
                };
            };
        };
        /** @description Not let in. `code`: `missing_token`, `invalid_token`, `token_expired`, `binding_required`, `invalid_dpop_proof`, `use_dpop_nonce`, `invalid_credentials`. */
        JwtKnoxProofRefused: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description RFC 6750 section 3. */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "missing_token" | "invalid_token" | "token_expired" | "binding_required" | "invalid_dpop_proof" | "use_dpop_nonce" | "invalid_credentials";
                };
            };
        };
        /** @description Not allowed. `code`: `forbidden`. */
        JwtKnoxForbidden: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "forbidden";
                };
            };
        };
        /** @description The request is not as it should be. `code`: `invalid_request`, `invalid_target`. */
        JwtKnoxRefreshBadRequest: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                [name: string]: unknown;
            };
            content: {
                "application/json": (components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "invalid_request" | "invalid_target";
                }) | (components["schemas"]["JwtKnoxOAuthError"] & {
                    /** @enum {string} */
                    code?: "invalid_request" | "invalid_target";
                });
            };
        };
        /** @description Not let in. `code`: `invalid_refresh_token`, `refresh_token_expired`, `refresh_token_reused`, `binding_required`, `invalid_dpop_proof`, `use_dpop_nonce`. */
        JwtKnoxRefreshRefused: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description RFC 6750 section 3. */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "invalid_refresh_token" | "refresh_token_expired" | "refresh_token_reused" | "binding_required" | "invalid_dpop_proof" | "use_dpop_nonce";
                };
            };
        };
        /** @description Not let in. `code`: `missing_token`, `invalid_token`, `token_expired`, `binding_required`, `invalid_dpop_proof`, `use_dpop_nonce`, `invalid_refresh_token`, `refresh_token_expired`, `refresh_token_reused`. */
        JwtKnoxTokensRefused: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description RFC 6750 section 3. */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "missing_token" | "invalid_token" | "token_expired" | "binding_required" | "invalid_dpop_proof" | "use_dpop_nonce" | "invalid_refresh_token" | "refresh_token_expired" | "refresh_token_reused";
                };
            };
        };
        /** @description Not let in. `code`: `missing_token`, `invalid_token`, `token_expired`, `binding_required`, `invalid_dpop_proof`, `use_dpop_nonce`, `insufficient_user_authentication`. */
        JwtKnoxTokensRefused_2: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description RFC 6750 section 3. */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "missing_token" | "invalid_token" | "token_expired" | "binding_required" | "invalid_dpop_proof" | "use_dpop_nonce" | "insufficient_user_authentication";
                };
            };
        };
        /** @description Not let in. `code`: `missing_token`, `invalid_token`, `token_expired`, `binding_required`, `invalid_dpop_proof`, `use_dpop_nonce`. */
        JwtKnoxAccessRefused: {
            headers: {
                /** @description No cache keeps the answer. */
                "Cache-Control": "no-store";
                /** @description RFC 6750 section 3. */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JwtKnoxError"] & {
                    /** @enum {string} */
                    code?: "missing_token" | "invalid_token" | "token_expired" | "binding_required" | "invalid_dpop_proof" | "use_dpop_nonce";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    MeController_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            401: components["responses"]["JwtKnoxAccessRefused"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxAccessRefused"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_verifyByPost: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxAccessRefused"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxTokensRefused_2"];
            403: components["responses"]["JwtKnoxForbidden"];
            /** @description There is none, or it is not yours. */
            404: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxHttpError"];
                };
            };
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_renameSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JwtKnoxSessionName"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxAccessRefused"];
            403: components["responses"]["JwtKnoxForbidden"];
            /** @description There is none, or it is not yours. */
            404: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxHttpError"];
                };
            };
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JwtKnoxLogin"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    /** @description For old caches. */
                    Pragma: "no-cache";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxTokens"];
                };
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxInvalidCredentialsOrBindingRequiredOrInvalidDpopProofOrUseDpopNonce"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_reauthenticate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JwtKnoxReauthentication"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    /** @description For old caches. */
                    Pragma: "no-cache";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxTokens"];
                };
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxProofRefused"];
            403: components["responses"]["JwtKnoxForbidden"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_refresh: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JwtKnoxRefresh"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    /** @description For old caches. */
                    Pragma: "no-cache";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxTokens"];
                };
            };
            400: components["responses"]["JwtKnoxRefreshBadRequest"];
            401: components["responses"]["JwtKnoxRefreshRefused"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["JwtKnoxLogout"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxTokensRefused"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_logoutOther: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxRevokedOthers"];
                };
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxTokensRefused_2"];
            403: components["responses"]["JwtKnoxForbidden"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_logoutAll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxRevoked"];
                };
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxTokensRefused_2"];
            403: components["responses"]["JwtKnoxForbidden"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxSession"];
                };
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxAccessRefused"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
    auth_sessions: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                before_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    /** @description No cache keeps the answer. */
                    "Cache-Control": "no-store";
                    /** @description The next page, relative to this one (RFC 8288); none at the end. */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JwtKnoxSession"][];
                };
            };
            400: components["responses"]["JwtKnoxBadRequest"];
            401: components["responses"]["JwtKnoxAccessRefused"];
            403: components["responses"]["JwtKnoxForbidden"];
            413: components["responses"]["JwtKnoxTooLarge"];
            415: components["responses"]["JwtKnoxUnsupportedType"];
            503: components["responses"]["JwtKnoxUnavailable"];
        };
    };
}
