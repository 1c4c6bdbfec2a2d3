import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';

/** Neither NUL nor a lone surrogate: databases and hashes refuse them, each in its own way. */
const WELL_FORMED = /^[^\0\p{Cs}]*$/u;
/** Ten years: as long as any session may live. */
const MOST_SECONDS = 315_360_000;
const wellFormed = { message: '$property must be well-formed text without NUL' };

/** What every login may say; behind guards of your own, all that the library itself reads. */
export class DeviceDto {
  @IsOptional()
  @IsString()
  device_name?: string;

  @IsOptional()
  @IsBoolean()
  remember?: boolean;
}

export class DeviceNameDto {
  /** Null, or nothing but spaces, for no name. */
  @ValidateIf((body: DeviceNameDto) => body.device_name !== null)
  @IsString({ message: '$property must be a string or null' })
  device_name!: string | null;
}

export class PasswordDto {
  @IsString()
  @Length(1, 1_024)
  @Matches(WELL_FORMED, wellFormed)
  password!: string;
}

export class ProgramTokenDto {
  @IsString()
  @Length(1, 128)
  @Matches(/[^\s\p{C}]/u, { message: 'name must not be blank' })
  name!: string;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  scopes!: string[];

  @IsOptional()
  @IsInt()
  @Min(60)
  @Max(MOST_SECONDS)
  expires_in?: number;

  /** RFC 9449 section 10. */
  @IsOptional()
  @IsString()
  dpop_jkt?: string;
}

export class LoginDto extends DeviceDto {
  @IsString()
  @Length(1, 1_024)
  @Matches(WELL_FORMED, wellFormed)
  username!: string;

  @IsString()
  @Length(1, 1_024)
  @Matches(WELL_FORMED, wellFormed)
  password!: string;
}

export class SessionsQueryDto {
  @IsOptional()
  @Matches(/^(?:[1-9]\d?|100)$/, { message: 'limit must be a whole number from 1 to 100' })
  limit?: string;

  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  before?: string;

  /** Tells apart sessions of the same millisecond; comes with the `Link` of the page before. */
  @IsOptional()
  @IsUUID()
  before_id?: string;
}

export class UserQueryDto {
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(WELL_FORMED, wellFormed)
  user_id?: string;
}

export class UserIdDto {
  @IsString()
  @Length(1, 255)
  @Matches(WELL_FORMED, wellFormed)
  user_id!: string;
}
