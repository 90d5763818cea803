// Databricks notebook source
