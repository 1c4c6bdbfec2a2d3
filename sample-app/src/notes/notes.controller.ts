import { Body, Controller, Get, Post, UseGuards } from '@nestjs/common';
import { Matches } from 'class-validator';
import { CurrentUser, JwtKnoxGuard, Scopes } from 'nestjs-jwt-knox';
import { User } from '../users/user.entity.js';
import type { Note } from './note.entity.js';
import { NotesService } from './notes.service.js';

export class CreateNoteDto {
  // Counts what the column counts; `@Length` takes some pairs of characters for one.
  @Matches(/^[^\0\p{Cs}]{1,1000}$/u, { message: 'text must be 1 to 1000 well-formed characters, none of them NUL' })
  text!: string;
}

/** Everybody's own notes. A login may read and write them, a token for a program what its scopes say. */
@Controller('notes')
@UseGuards(JwtKnoxGuard)
export class NotesController {
  constructor(private readonly notes: NotesService) {}

  @Get()
  @Scopes('notes:read')
  async list(@CurrentUser() user: User) {
    return (await this.notes.list(user)).map(noteBody);
  }

  @Post()
  @Scopes('notes:write')
  async add(@CurrentUser() user: User, @Body() { text }: CreateNoteDto) {
    return noteBody(await this.notes.add(user, text));
  }
}

function noteBody({ id, text, createdAt }: Note) {
  return { id, text, created_at: new Date(createdAt).toISOString() };
}
